//go:build e2e

package suite

import (
	"context"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func chainJob(name, spec, script string) string {
	return `
apiVersion: batch/v1
kind: Job
metadata: {name: ` + name + `}
spec:
  ` + spec + `
  template:
    spec:` + onTheNode(6) + `
      restartPolicy: Never
      containers:
      - name: main
        image: ` + chainImage + `
        command: [sh, -c]
        args:
        - |` + chainScript(script, 10) + `
`
}

// job waits until a job has a condition, and returns it with its pods.
func (u *chainUser) job(name string, condition batchv1.JobConditionType) (*batchv1.Job, []corev1.Pod) {
	u.Helper()
	var job *batchv1.Job
	u.wait(fmt.Sprintf("job %s is %s", name, condition), func(ctx context.Context) (bool, string) {
		var err error
		if job, err = u.stage.local.BatchV1().Jobs(u.namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return false, err.Error()
		}
		for _, c := range job.Status.Conditions {
			if c.Type == condition && c.Status == corev1.ConditionTrue {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%+v", job.Status)
	})
	return job, u.localPods("job-name=" + name)
}

func (u *chainUser) localPods(selector string) []corev1.Pod {
	u.Helper()
	pods, err := u.stage.local.CoreV1().Pods(u.namespace).List(u.deadline(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		u.Fatal(err)
	}
	return pods.Items
}

func chainJobCompletes(u *chainUser) {
	spec := "completions: 3\n  parallelism: 2\n  completionMode: Indexed"
	u.apply(chainJob("sums", spec, `echo "part $JOB_COMPLETION_INDEX"`))
	job, pods := u.job("sums", batchv1.JobComplete)
	if len(pods) != 3 || job.Status.Succeeded != 3 {
		u.Errorf("%d pods, status %+v", len(pods), job.Status)
	}
	for _, pod := range pods {
		u.wantLines(u.kubectl("logs", pod.Name), "part "+pod.Annotations["batch.kubernetes.io/job-completion-index"])
	}
	u.kubectl("delete", "job", "sums")
	u.noRemotePods()
}

func chainJobFails(u *chainUser) {
	u.apply(chainJob("hopeless", "backoffLimit: 1", "echo no hope; exit 1"))
	job, pods := u.job("hopeless", batchv1.JobFailed)
	if len(pods) != 2 || job.Status.Failed != 2 {
		u.Errorf("%d pods, status %+v", len(pods), job.Status)
	}
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodFailed {
			u.Errorf("pod %s is %s", pod.Name, pod.Status.Phase)
		}
		u.wantLines(u.kubectl("logs", pod.Name), "no hope")
	}
	u.kubectl("delete", "job", "hopeless")
	u.noRemotePods()
}

func chainDeploymentManifest(version string) string {
	return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:` + onTheNode(6) + `
      containers:
      - name: main
        image: ` + chainImage + `
        env: [{name: VERSION, value: ` + version + `}]
        command: [sh, -c]
        args:
        - |` + chainScript("echo serving $VERSION"+untilTold, 10) + `
`
}

func chainDeployment(u *chainUser) {
	rolledOut := func() { u.kubectl("rollout", "status", "deployment/web", "--timeout="+chainPatience.String()) }
	u.apply(chainDeploymentManifest("v1"))
	rolledOut()
	u.serving(2, "v1")

	u.apply(chainDeploymentManifest("v2"))
	rolledOut()
	u.serving(2, "v2")

	u.kubectl("scale", "deployment/web", "--replicas=3")
	rolledOut()
	u.serving(3, "v2")
	u.kubectl("scale", "deployment/web", "--replicas=1")
	u.serving(1, "v2")

	// A pod that is deleted is replaced.
	old := u.localPods("app=web")[0]
	u.kubectl("delete", "pod", old.Name)
	rolledOut()
	u.serving(1, "v2")
	if again := u.localPods("app=web")[0]; again.UID == old.UID {
		u.Errorf("pod %s was not replaced", old.Name)
	}
	u.kubectl("delete", "deployment", "web")
	u.noRemotePods()
}

// serving waits until exactly so many pods run, here and remotely, and say that they are of a version.
func (u *chainUser) serving(replicas int, version string) {
	u.Helper()
	u.wait(fmt.Sprintf("%d pods serve %s", replicas, version), func(ctx context.Context) (bool, string) {
		var running []string
		pods := u.localPods("app=web")
		for _, pod := range pods {
			if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
				running = append(running, pod.Name)
			}
		}
		left := strings.Join(u.left(ctx), ", ")
		return len(pods) == replicas && len(running) == replicas && strings.Count(left, "pod ") == replicas,
			fmt.Sprintf("%d pods, running %v; remotely %s", len(pods), running, left)
	})
	for _, pod := range u.localPods("app=web") {
		// A container that runs may not have said anything yet.
		u.wait("pod "+pod.Name+" serves "+version, func(ctx context.Context) (bool, string) {
			log := u.run(ctx, u.stage.localConfig, u.namespace, "logs", pod.Name)
			return log == "serving "+version+"\n", log
		})
	}
}
