//go:build e2e

package suite

import (
	"context"
	"fmt"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// disruptedExitCode is what docs/configuration.md recommends for [offloading]
// disrupted_exit_code.
const disruptedExitCode = "250"

// chainJob returns the manifest of a job whose container runs a script.
func chainJob(name, spec, script string) string {
	return `
apiVersion: batch/v1
kind: Job
metadata: {name: ` + name + `}
spec:
  ` + spec + `
  template:
    spec:` + nodeFields(chainNode, 6) + `
      restartPolicy: Never
      containers:
      - name: main
        image: ` + chainImage + `
        command: [sh, -c]
        args:
        - |` + indent(script, 10) + `
`
}

// waitForJob waits until a job has a condition, and returns the job with its pods.
func (u *chainUser) waitForJob(name string, condition batchv1.JobConditionType) (*batchv1.Job, []corev1.Pod) {
	u.Helper()
	var job *batchv1.Job
	eventually(u, fmt.Sprintf("job %s is %s", name, condition), func(ctx context.Context) (err error) {
		if job, err = u.client.BatchV1().Jobs(u.name).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		for _, c := range job.Status.Conditions {
			if c.Type == condition && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("its status is %+v", job.Status)
	})
	return job, u.localPods("job-name=" + name)
}

func (u *chainUser) localPods(selector string) []corev1.Pod {
	u.Helper()
	pods, err := u.client.CoreV1().Pods(u.name).List(testEnv.ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		u.Fatal(err)
	}
	return pods.Items
}

func chainJobCompletes(u *chainUser) {
	spec := "completions: 3\n  parallelism: 2\n  completionMode: Indexed"
	u.apply(chainJob("sums", spec, `echo "part $JOB_COMPLETION_INDEX"`))
	job, pods := u.waitForJob("sums", batchv1.JobComplete)
	if len(pods) != 3 || job.Status.Succeeded != 3 {
		u.Errorf("the job has %d pods and status %+v", len(pods), job.Status)
	}
	for _, pod := range pods {
		u.wantLines(u.kubectl("logs", pod.Name), "part "+pod.Annotations["batch.kubernetes.io/job-completion-index"])
	}
	u.kubectl("delete", "job", "sums")
	u.waitForNoRemotePods()
}

func chainJobFails(u *chainUser) {
	u.apply(chainJob("failing", "backoffLimit: 1", "echo cannot succeed; exit 1"))
	job, pods := u.waitForJob("failing", batchv1.JobFailed)
	if len(pods) != 2 || job.Status.Failed != 2 {
		u.Errorf("the job has %d pods and status %+v", len(pods), job.Status)
	}
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodFailed {
			u.Errorf("pod %s is %s", pod.Name, pod.Status.Phase)
		}
		u.wantLines(u.kubectl("logs", pod.Name), "cannot succeed")
	}
	u.kubectl("delete", "job", "failing")
	u.waitForNoRemotePods()
}

// A Job whose podFailurePolicy ignores the exit code of disruptions does not count a pod
// that was lost in the remote cluster: with backoffLimit 0 it completes by another pod.
func chainJobIgnoresDisruptions(u *chainUser) {
	spec := "backoffLimit: 0\n  podFailurePolicy:\n    rules:\n    - action: Ignore\n      onExitCodes: {operator: In, values: [" + disruptedExitCode + "]}"
	u.apply(chainJob("disrupted", spec, "while [ ! -e /tmp/go ]; do sleep 1; done")) // it is killed, since it does not end by SIGTERM
	runningPod := func(other types.UID) (pod corev1.Pod) {
		eventually(u, "a pod of the job runs", func(context.Context) error {
			pods := u.localPods("job-name=disrupted")
			for _, pod = range pods {
				if pod.UID != other && pod.Status.Phase == corev1.PodRunning {
					return nil
				}
			}
			return fmt.Errorf("none of its %d pods runs", len(pods))
		})
		return pod
	}
	lost := runningPod("")
	remote := u.remotePod(lost.Name)
	if _, err := testEnv.remote.run(testEnv.ctx, "-n", u.remote, "delete", "pod", remote.Name); err != nil {
		u.Fatal(err)
	}
	u.execRemote(runningPod(lost.UID).Name, "touch", "/tmp/go")
	job, pods := u.waitForJob("disrupted", batchv1.JobComplete)
	if len(pods) != 2 || job.Status.Failed != 0 || job.Status.Succeeded != 1 {
		u.Errorf("the job has %d pods and status %+v", len(pods), job.Status)
	}
	ended := u.waitForPhase(lost.Name, corev1.PodFailed).Status.ContainerStatuses[0].State.Terminated
	if ended == nil || strconv.Itoa(int(ended.ExitCode)) != disruptedExitCode {
		u.Errorf("the container of the lost pod ended with %+v", ended)
	}
	u.kubectl("delete", "job", "disrupted")
	u.waitForNoRemotePods()
}

func chainDeploymentManifest(replicas int, version string) string {
	return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ` + strconv.Itoa(replicas) + `
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:` + nodeFields(chainNode, 6) + `
      containers:
      - name: main
        image: ` + chainImage + `
        env: [{name: VERSION, value: ` + version + `}]
        command: [sh, -c]
        args:
        - |` + indent("echo serving $VERSION"+waitForFile, 10) + `
`
}

func chainDeployment(u *chainUser) {
	rolledOut := func() { u.waitAvailable("web") }
	u.apply(chainDeploymentManifest(2, "v1"))
	rolledOut()
	u.waitForServing(2, "v1")

	u.apply(chainDeploymentManifest(2, "v2"))
	rolledOut()
	u.waitForServing(2, "v2")

	u.kubectl("scale", "deployment/web", "--replicas=3")
	rolledOut()
	u.waitForServing(3, "v2")
	u.kubectl("scale", "deployment/web", "--replicas=1")
	u.waitForServing(1, "v2")

	// The deployment replaces a pod that is deleted.
	old := u.localPods("app=web")[0]
	u.kubectl("delete", "pod", old.Name)
	rolledOut()
	u.waitForServing(1, "v2")
	if replacement := u.localPods("app=web")[0]; replacement.UID == old.UID {
		u.Errorf("pod %s was not replaced", old.Name)
	}
	u.kubectl("delete", "deployment", "web")
	u.waitForNoRemotePods()
}

// waitForServing waits until as many pods as there are replicas run in both clusters,
// and log that they serve a version.
func (u *chainUser) waitForServing(replicas int, version string) {
	u.Helper()
	eventually(u, fmt.Sprintf("%d pods serve %s", replicas, version), func(context.Context) error {
		var running []string
		pods := u.localPods("app=web")
		for _, pod := range pods {
			if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
				running = append(running, pod.Name)
			}
		}
		if remote := len(u.remotePods()); len(pods) != replicas || len(running) != replicas || remote != replicas {
			return fmt.Errorf("there are %d local pods, of which %v run, and %d remote pods", len(pods), running, remote)
		}
		return nil
	})
	for _, pod := range u.localPods("app=web") {
		// A container that runs may not have written a line yet.
		eventually(u, "pod "+pod.Name+" serves "+version, func(ctx context.Context) error {
			log, err := u.run(ctx, "-n", u.name, "logs", pod.Name)
			if err == nil && log != "serving "+version+"\n" {
				err = fmt.Errorf("its log is %q", log)
			}
			return err
		})
	}
}
