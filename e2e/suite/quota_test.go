//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// testQuotas fills a quota with the permissions of each account.
func testQuotas(t *testing.T) {
	for _, test := range []struct {
		name      string
		account   account
		namespace string // the remote one
		env       []string
	}{
		{"cluster-wide", testEnv.clusterWide, "offloading-quota-default", []string{"OFFLOADING_NAMESPACE_PREFIX=offloading-quota"}},
		{"single namespace", testEnv.singleNamespace, "offloading", []string{"OFFLOADING_NAMESPACE=offloading"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// With a short grace the plugin often looks for orphans, and needs what it needs for that.
			plugin := startPlugin(t, test.account, append(test.env, "OFFLOADING_ORPHAN_GRACE=2m")...)
			testQuota(t, newSimulatedCluster(t, plugin.address), newRemoteQuota(t, test.namespace, corev1.ResourceQuotaScopeTerminating))
		})
	}
}

// testQuota creates 5 pods where a quota permits 3. The others wait until one of the 3 is
// deleted, or the quota is raised. None of them fails.
func testQuota(t *testing.T, l *simulatedCluster, quota *remoteQuota) {
	var names []string
	for i := range 5 {
		names = append(names, l.create(shellPod(fmt.Sprintf("quota-%d", i), "sleep 3600", limitedTime, withSharedClaim)))
	}
	waiting := l.waitForQuota(names, 3)

	// One that waits is deleted, and leaves nothing.
	deleted, second := waiting[0], waiting[1]
	uid := l.Pod(deleted).UID
	l.remove(deleted)
	eventually(t, "nothing is left of the pod that waited", func(ctx context.Context) error { return quota.findObjects(ctx, uid) })
	names = slices.DeleteFunc(names, func(name string) bool { return name == deleted })
	if now := l.waitForQuota(names, 3); now[0] != second {
		t.Errorf("pod %s waits instead of %s", now[0], second)
	}

	// One that runs is deleted, so that the other one has room.
	running := slices.IndexFunc(names, func(name string) bool { return name != second })
	l.remove(names[running])
	names = slices.Delete(names, running, running+1)
	l.waitForPhase(second, corev1.PodRunning)

	// The quota is raised.
	names = append(names, l.create(shellPod("quota-5", "sleep 3600", limitedTime)))
	if now := l.waitForQuota(names, 3); now[0] != "quota-5" {
		t.Errorf("pod %s waits, want quota-5", now[0])
	}
	quota.raise("5")
	for _, name := range names {
		l.waitForPhase(name, corev1.PodRunning)
		if phases := l.Phases(name); slices.Contains(phases, corev1.PodFailed) {
			t.Errorf("pod %s had the phases %v", name, phases)
		}
	}
}

// waitForQuota waits until as many pods run as a quota permits, and the others show that
// they wait for it. It returns the names of those.
func (l *simulatedCluster) waitForQuota(names []string, permitted int) (waiting []string) {
	l.Helper()
	eventually(l.T, fmt.Sprintf("%d of %d pods run, and the others wait for a quota", permitted, len(names)), func(context.Context) error {
		var states []string
		running := 0
		waiting = nil
		for _, name := range names {
			status := l.Status(name)
			states = append(states, fmt.Sprintf("%s is %s with containers %+v", name, status.Phase, status.ContainerStatuses))
			switch {
			case status.Phase == corev1.PodRunning:
				running++
			case status.Phase == corev1.PodPending && waitsForQuota(status):
				waiting = append(waiting, name)
			}
		}
		if running != permitted || len(waiting) != len(names)-permitted {
			return errors.New(strings.Join(states, "\n"))
		}
		return nil
	})
	return waiting
}

// waitsForQuota reports whether the status says, in the words of the remote API server,
// that the pod waits for a quota.
func waitsForQuota(status corev1.PodStatus) bool {
	for _, c := range status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason == "QuotaExceeded" && strings.Contains(w.Message, "exceeded quota: few, requested: pods=1, used: pods=3, limited: pods=3") {
			return true
		}
	}
	return false
}

// limitedTime sets the field by which the quota selects pods.
func limitedTime(pod *corev1.Pod) { pod.Spec.ActiveDeadlineSeconds = new(int64(3600)) }

// withSharedClaim mounts a claim that the pods share, and that the last of them deletes.
func withSharedClaim(pod *corev1.Pod) {
	pod.Annotations = map[string]string{
		"interlink.io/remote-pvc":              "quota-shared",
		"interlink.io/remote-pvc.quota-shared": `{"storage":"10Mi","accessModes":["ReadWriteOnce"],"retentionPolicy":"delete"}`,
	}
	mount(pod, &pod.Spec.Containers[0], "shared", corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "quota-shared"},
	})
}

// remoteQuota is a quota of the remote cluster that permits 3 pods.
type remoteQuota struct {
	*testing.T
	namespace string
}

// newRemoteQuota creates a quota until the end of the test. Where other tests use the
// namespace, scopes select the pods that it counts.
func newRemoteQuota(t *testing.T, namespace string, scopes ...corev1.ResourceQuotaScope) *remoteQuota {
	t.Helper()
	if err := testEnv.remote.createNamespace(testEnv.ctx, namespace); err != nil {
		t.Fatal(err)
	}
	quotas := testEnv.remote.client.CoreV1().ResourceQuotas(namespace)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "few"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")}, Scopes: scopes},
	}
	if _, err := quotas.Create(testEnv.ctx, quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := quotas.Delete(afterTest(), quota.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	// Until a controller has counted, the quota refuses all pods.
	eventually(t, "the quota has a status", func(ctx context.Context) error {
		found, err := quotas.Get(ctx, quota.Name, metav1.GetOptions{})
		if err == nil && len(found.Status.Hard) == 0 {
			err = errors.New("it has none")
		}
		return err
	})
	return &remoteQuota{t, namespace}
}

// raise permits another number of pods.
func (q *remoteQuota) raise(pods string) {
	q.Helper()
	patch := fmt.Sprintf(`{"spec":{"hard":{"pods":%q}}}`, pods)
	if _, err := testEnv.remote.client.CoreV1().ResourceQuotas(q.namespace).Patch(testEnv.ctx, "few", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		q.Fatal(err)
	}
}

// findObjects returns an error that names the remote objects of a local pod, if there are any.
func (q *remoteQuota) findObjects(ctx context.Context, uid types.UID) error {
	out, err := testEnv.remote.run(ctx, "-n", q.namespace, "get", "pods,configmaps,secrets", "-o", "name")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, string(uid)) {
			return fmt.Errorf("%s exists", strings.TrimSpace(line))
		}
	}
	return nil
}
