//go:build e2e

package suite

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// chainQuotaDeployment runs a deployment that is larger than a quota of the remote
// cluster. The pods that do not fit wait, and are not replaced again and again.
func chainQuotaDeployment(u *chainUser) {
	quota := newRemoteQuota(u.T, u.remote)
	u.apply(chainDeploymentManifest(5, "v1"))
	u.waitForQuota("app=web", 3, 2)

	// One that waits is deleted. The one that replaces it waits too.
	var deleted corev1.Pod
	for _, pod := range u.localPods("app=web") {
		if waitsForQuota(pod.Status) {
			deleted = pod
		}
	}
	u.kubectl("delete", "pod", deleted.Name)
	eventually(u, "nothing is left of the pod that waited", func(ctx context.Context) error { return quota.findObjects(ctx, deleted.UID) })
	u.waitForQuota("app=web", 3, 2)

	quota.raise("5")
	raised := time.Now()
	u.waitForQuota("app=web", 5, 0)
	u.Logf("all pods ran %s after the quota was raised", time.Since(raised).Round(100*time.Millisecond))
	u.waitForServing(5, "v1")
	u.kubectl("delete", "deployment", "web")
	u.waitForNoRemotePods()
}

// waitForQuota waits until as many local pods run and wait for a quota as wanted, and no
// other pod exists. No pod may fail: its controller would replace it.
func (u *chainUser) waitForQuota(selector string, wantRunning, wantWaiting int) {
	u.Helper()
	eventually(u, fmt.Sprintf("%d pods run and %d wait for a quota", wantRunning, wantWaiting), func(context.Context) error {
		running, waiting := 0, 0
		pods := u.localPods(selector)
		for _, pod := range pods {
			switch {
			case pod.Status.Phase == corev1.PodFailed:
				u.Fatalf("pod %s failed: %s %s", pod.Name, pod.Status.Reason, pod.Status.Message)
			case pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil:
				running++
			case pod.Status.Phase == corev1.PodPending && waitsForQuota(pod.Status):
				waiting++
			}
		}
		if running != wantRunning || waiting != wantWaiting || len(pods) != wantRunning+wantWaiting {
			return fmt.Errorf("of %d pods %d run and %d wait", len(pods), running, waiting)
		}
		return nil
	})
}

// chainQuotaJob runs a job whose pods do not fit into a quota together, and that no pod of
// which may fail.
func chainQuotaJob(u *chainUser) {
	newRemoteQuota(u.T, u.remote)
	u.apply(chainJob("many", "completions: 20\n  parallelism: 20\n  backoffLimit: 0", "echo counted"))
	job, pods := u.waitForJob("many", batchv1.JobComplete)
	if len(pods) != 20 || job.Status.Succeeded != 20 || job.Status.Failed != 0 {
		u.Errorf("the job has %d pods and status %+v", len(pods), job.Status)
	}
	for _, pod := range pods {
		u.wantLines(u.kubectl("logs", pod.Name), "counted")
	}
	u.kubectl("delete", "job", "many")
	u.waitForNoRemotePods()
}
