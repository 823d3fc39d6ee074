//go:build e2e

package suite

import (
	"bufio"
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// chainPod is a manifest of one pod with one container, which runs a script.
func chainPod(name, restartPolicy, script string) string {
	return `
apiVersion: v1
kind: Pod
metadata: {name: ` + name + `}
spec:` + onTheNode(2) + `
  restartPolicy: ` + restartPolicy + `
  containers:
  - name: main
    image: ` + chainImage + `
    imagePullPolicy: IfNotPresent
    command: [sh, -c]
    args:
    - |` + chainScript(script, 6) + `
`
}

// chainScript indents a script to stand in a manifest.
func chainScript(script string, indent int) string {
	return strings.ReplaceAll("\n"+strings.TrimSpace(script), "\n", "\n"+strings.Repeat(" ", indent))
}

// untilTold is a script that waits for the file /tmp/go, and ends at once when it is asked to.
const untilTold = `
trap 'exit 0' TERM
while [ ! -e /tmp/go ]; do sleep 1; done
`

func chainPodRuns(u *chainUser) {
	u.apply(chainPod("hello", "Never", "echo hello from $HOSTNAME; echo goodbye"))
	u.phase("hello", corev1.PodSucceeded)
	u.wantLines(u.kubectl("logs", "hello"), "hello from hello", "goodbye")
	if got := u.kubectl("logs", "hello", "--tail=1"); got != "goodbye\n" {
		u.Errorf("the last line is %q", got)
	}
	if got := u.kubectl("get", "pod", "hello", "--no-headers"); !strings.Contains(got, "Completed") {
		u.Errorf("kubectl get shows %q", got)
	}
	u.kubectl("delete", "pod", "hello")
	u.noRemotePods()
}

// noRemotePods waits until the remote namespace has no pod.
func (u *chainUser) noRemotePods() {
	u.Helper()
	u.wait("no pod stands remotely", func(ctx context.Context) (bool, string) {
		left := u.left(ctx)
		return !slices.ContainsFunc(left, func(name string) bool { return strings.HasPrefix(name, "pod ") }), strings.Join(left, ", ")
	})
}

// Lines come while the container runs, and the stream ends when it does: it is told to go on only after its
// first line was read.
func chainLogsFollowed(u *chainUser) {
	u.apply(chainPod("talker", "Never", "echo first"+untilTold+"echo last"))
	u.phase("talker", corev1.PodRunning)
	follow := u.command(u.deadline(), u.stage.localConfig, u.namespace, "logs", "--follow", "talker")
	pipe, err := follow.StdoutPipe()
	if err != nil {
		u.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		u.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	if !lines.Scan() || lines.Text() != "first" {
		u.Fatalf("the first line is %q: %v", lines.Text(), lines.Err())
	}
	u.exec("talker", "touch", "/tmp/go")
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	if err := follow.Wait(); err != nil || !slices.Equal(rest, []string{"last"}) {
		u.Errorf("after the first line came %q: %v", rest, err)
	}
	u.phase("talker", corev1.PodSucceeded)
}

// kubectl delete waits until the local pod is gone.
func chainRunningPodDeleted(u *chainUser) {
	u.apply(chainPod("worker", "Always", untilTold))
	u.phase("worker", corev1.PodRunning)
	remote := u.remotePod("worker")
	u.kubectl("delete", "pod", "worker")
	u.wait("the remote pod is gone", func(ctx context.Context) (bool, string) {
		pod, err := u.stage.remote.CoreV1().Pods(u.remote).Get(ctx, remote.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), string(pod.Status.Phase)
	})
}

func chainInitContainers(u *chainUser) {
	u.apply(`
apiVersion: v1
kind: Pod
metadata: {name: prepared}
spec:` + onTheNode(2) + `
  restartPolicy: Never
  volumes: [{name: work, emptyDir: {}}]
  initContainers:
  - {name: one, image: ` + chainImage + `, command: [sh, -c, "echo one >>/work/steps; echo did one"], volumeMounts: [{name: work, mountPath: /work}]}
  - {name: two, image: ` + chainImage + `, command: [sh, -c, "echo two >>/work/steps; echo did two"], volumeMounts: [{name: work, mountPath: /work}]}
  containers:
  - {name: main, image: ` + chainImage + `, command: [cat, /work/steps], volumeMounts: [{name: work, mountPath: /work}]}
`)
	u.phase("prepared", corev1.PodSucceeded)
	for container, want := range map[string]string{"one": "did one\n", "two": "did two\n", "main": "one\ntwo\n"} {
		if got := u.kubectl("logs", "prepared", "-c", container); got != want {
			u.Errorf("container %s says %q", container, got)
		}
	}
}

func chainContainerFails(u *chainUser) {
	u.apply(chainPod("failing", "Never", "echo about to fail; exit 3"))
	pod := u.phase("failing", corev1.PodFailed)
	if ended := pod.Status.ContainerStatuses[0].State.Terminated; ended == nil || ended.ExitCode != 3 {
		u.Errorf("its container is %+v", pod.Status.ContainerStatuses[0].State)
	}
	u.wantLines(u.kubectl("logs", "failing"), "about to fail")
}

func chainInitFails(u *chainUser) {
	u.apply(`
apiVersion: v1
kind: Pod
metadata: {name: unprepared}
spec:` + onTheNode(2) + `
  restartPolicy: Never
  initContainers:
  - {name: prepare, image: ` + chainImage + `, command: [sh, -c, "echo cannot prepare; exit 4"]}
  containers:
  - {name: main, image: ` + chainImage + `, command: [echo, started]}
`)
	pod := u.phase("unprepared", corev1.PodFailed)
	if len(pod.Status.InitContainerStatuses) != 1 {
		u.Fatalf("its init containers are %+v", pod.Status.InitContainerStatuses)
	}
	if ended := pod.Status.InitContainerStatuses[0].State.Terminated; ended == nil || ended.ExitCode != 4 {
		u.Errorf("its init container is %+v", pod.Status.InitContainerStatuses[0].State)
	}
	u.wantLines(u.kubectl("logs", "unprepared", "-c", "prepare"), "cannot prepare")
}

// waitingFor waits until a container waits for one of some reasons.
func (u *chainUser) waitingFor(pod string, reasons ...string) {
	u.Helper()
	u.pod(pod, "waits for one of "+strings.Join(reasons, ", "), func(pod *corev1.Pod) bool {
		return len(pod.Status.ContainerStatuses) == 1 && pod.Status.ContainerStatuses[0].State.Waiting != nil &&
			slices.Contains(reasons, pod.Status.ContainerStatuses[0].State.Waiting.Reason)
	})
}

func chainImageMissing(u *chainUser) {
	u.apply(strings.ReplaceAll(chainPod("missing", "Never", "true"), chainImage, "registry.invalid/no/such:image"))
	u.waitingFor("missing", "ErrImagePull", "ImagePullBackOff")
	u.phase("missing", corev1.PodPending)
	u.kubectl("delete", "pod", "missing")
	u.noRemotePods()
}

// A pod that may be restarted is never Failed, however often it crashes.
func chainCrashLoop(u *chainUser) {
	u.apply(chainPod("crashing", "Always", "echo once more; exit 1"))
	u.waitingFor("crashing", "CrashLoopBackOff")
	pod := u.pod("crashing", "was restarted", func(pod *corev1.Pod) bool {
		return len(pod.Status.ContainerStatuses) == 1 && pod.Status.ContainerStatuses[0].RestartCount >= 2
	})
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		u.Errorf("it is %s", pod.Status.Phase)
	}
	// Just after a crash the kubelet may have no run before this one any more, as on each node.
	u.wait("the log of a run before is there", func(ctx context.Context) (bool, string) {
		log := u.run(ctx, u.stage.localConfig, u.namespace, "logs", "crashing", "--previous")
		return log == "once more\n", log
	})
}
