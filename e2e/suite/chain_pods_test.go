//go:build e2e

package suite

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// chainPod returns the manifest of a pod with one container, which runs a script.
func chainPod(name, restartPolicy, script string) string {
	return `
apiVersion: v1
kind: Pod
metadata: {name: ` + name + `}
spec:` + nodeFields(chainNode, 2) + `
  restartPolicy: ` + restartPolicy + `
  containers:
  - name: main
    image: ` + chainImage + `
    imagePullPolicy: IfNotPresent
    command: [sh, -c]
    args:
    - |` + indent(script, 6) + `
`
}

// waitForFile is a script that waits for the file /tmp/go, and exits at once when it
// receives SIGTERM.
const waitForFile = `
trap 'exit 0' TERM
while [ ! -e /tmp/go ]; do sleep 1; done
`

func chainPodRuns(u *chainUser) {
	u.apply(chainPod("hello", "Never", "echo hello from $HOSTNAME; echo goodbye"))
	u.waitForPhase("hello", corev1.PodSucceeded)
	u.wantLines(u.kubectl("logs", "hello"), "hello from hello", "goodbye")
	if got := u.kubectl("logs", "hello", "--tail=1"); got != "goodbye\n" {
		u.Errorf("the last line is %q", got)
	}
	if got := u.kubectl("get", "pod", "hello", "--no-headers"); !strings.Contains(got, "Completed") {
		u.Errorf("kubectl get shows %q", got)
	}
	u.kubectl("delete", "pod", "hello")
	u.waitForNoRemotePods()
}

// kubectl prints lines while the container runs, and ends when the container exits. The
// container continues only after the test has read its first line.
func chainLogsFollowed(u *chainUser) {
	u.apply(chainPod("talker", "Never", "echo first"+waitForFile+"echo last"))
	u.waitForPhase("talker", corev1.PodRunning)
	ctx, cancel := context.WithTimeout(testEnv.ctx, waitTimeout)
	defer cancel()
	follow := u.command(ctx, "-n", u.name, "logs", "--follow", "talker")
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
	u.execRemote("talker", "touch", "/tmp/go")
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	if err := follow.Wait(); err != nil || !slices.Equal(rest, []string{"last"}) {
		u.Errorf("the lines after the first are %q: %v", rest, err)
	}
	u.waitForPhase("talker", corev1.PodSucceeded)
}

// kubectl delete waits until the local pod is deleted.
func chainRunningPodDeleted(u *chainUser) {
	u.apply(chainPod("worker", "Always", waitForFile))
	u.waitForPhase("worker", corev1.PodRunning)
	remote := u.remotePod("worker")
	u.kubectl("delete", "pod", "worker")
	eventually(u, "the remote pod is deleted", func(ctx context.Context) error {
		_, err := testEnv.remote.client.CoreV1().Pods(u.remote).Get(ctx, remote.Name, metav1.GetOptions{})
		return wantNotFound(err)
	})
}

func chainInitContainers(u *chainUser) {
	u.apply(`
apiVersion: v1
kind: Pod
metadata: {name: prepared}
spec:` + nodeFields(chainNode, 2) + `
  restartPolicy: Never
  volumes: [{name: work, emptyDir: {}}]
  initContainers:
  - {name: one, image: ` + chainImage + `, command: [sh, -c, "echo one >>/work/steps; echo did one"], volumeMounts: [{name: work, mountPath: /work}]}
  - {name: two, image: ` + chainImage + `, command: [sh, -c, "echo two >>/work/steps; echo did two"], volumeMounts: [{name: work, mountPath: /work}]}
  containers:
  - {name: main, image: ` + chainImage + `, command: [cat, /work/steps], volumeMounts: [{name: work, mountPath: /work}]}
`)
	u.waitForPhase("prepared", corev1.PodSucceeded)
	for container, want := range map[string]string{"one": "did one\n", "two": "did two\n", "main": "one\ntwo\n"} {
		if got := u.kubectl("logs", "prepared", "-c", container); got != want {
			u.Errorf("the log of container %s is %q, want %q", container, got, want)
		}
	}
}

func chainContainerFails(u *chainUser) {
	u.apply(chainPod("failing", "Never", "echo about to fail; exit 3"))
	pod := u.waitForPhase("failing", corev1.PodFailed)
	if ended := pod.Status.ContainerStatuses[0].State.Terminated; ended == nil || ended.ExitCode != 3 {
		u.Errorf("the container is %+v", pod.Status.ContainerStatuses[0].State)
	}
	u.wantLines(u.kubectl("logs", "failing"), "about to fail")
}

func chainInitFails(u *chainUser) {
	u.apply(`
apiVersion: v1
kind: Pod
metadata: {name: unprepared}
spec:` + nodeFields(chainNode, 2) + `
  restartPolicy: Never
  initContainers:
  - {name: prepare, image: ` + chainImage + `, command: [sh, -c, "echo cannot prepare; exit 4"]}
  containers:
  - {name: main, image: ` + chainImage + `, command: [echo, started]}
`)
	pod := u.waitForPhase("unprepared", corev1.PodFailed)
	if len(pod.Status.InitContainerStatuses) != 1 {
		u.Fatalf("the init containers are %+v", pod.Status.InitContainerStatuses)
	}
	if ended := pod.Status.InitContainerStatuses[0].State.Terminated; ended == nil || ended.ExitCode != 4 {
		u.Errorf("the init container is %+v", pod.Status.InitContainerStatuses[0].State)
	}
	u.wantLines(u.kubectl("logs", "unprepared", "-c", "prepare"), "cannot prepare")
}

// waitForReason waits until the container of a pod waits for one of some reasons.
func (u *chainUser) waitForReason(pod string, reasons ...string) {
	u.Helper()
	u.waitForPod(pod, "waits for one of "+strings.Join(reasons, ", "), func(pod *corev1.Pod) bool {
		return len(pod.Status.ContainerStatuses) == 1 && pod.Status.ContainerStatuses[0].State.Waiting != nil &&
			slices.Contains(reasons, pod.Status.ContainerStatuses[0].State.Waiting.Reason)
	})
}

func chainImageMissing(u *chainUser) {
	u.apply(strings.ReplaceAll(chainPod("missing", "Never", "true"), chainImage, "registry.invalid/no/such:image"))
	u.waitForReason("missing", "ErrImagePull", "ImagePullBackOff")
	u.waitForPhase("missing", corev1.PodPending)
	u.kubectl("delete", "pod", "missing")
	u.waitForNoRemotePods()
}

// A pod with restartPolicy Always is never Failed, however often its container fails.
func chainCrashLoop(u *chainUser) {
	u.apply(chainPod("crashing", "Always", "echo another run; exit 1"))
	u.waitForReason("crashing", "CrashLoopBackOff")
	pod := u.waitForPod("crashing", "was restarted", func(pod *corev1.Pod) bool {
		return len(pod.Status.ContainerStatuses) == 1 && pod.Status.ContainerStatuses[0].RestartCount >= 2
	})
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		u.Errorf("the pod is %s", pod.Status.Phase)
	}
	// As on each node, the kubelet may have no log of a previous run for a moment after a restart.
	eventually(u, "the log of the previous run can be read", func(ctx context.Context) error {
		log, err := u.run(ctx, "-n", u.name, "logs", "crashing", "--previous")
		if err == nil && log != "another run\n" {
			err = fmt.Errorf("it is %q", log)
		}
		return err
	})
}
