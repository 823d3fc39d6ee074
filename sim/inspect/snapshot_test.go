package inspect_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// Of several pods of one local pod, Pod returns the oldest one that is not being deleted.
func TestSnapshotPod(t *testing.T) {
	pod := func(name string, second int64, deleted bool) corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"u": string(localUID)}, CreationTimestamp: metav1.Unix(second, 0)}}
		if deleted {
			p.DeletionTimestamp = &metav1.Time{}
		}
		return p
	}
	s := inspect.Snapshot{Pods: []corev1.Pod{pod("deleted", 1, true), pod("new", 3, false), pod("old", 2, false), pod("deleted earlier", 0, true)}}
	if got := s.Pod(localUID); got.Name != "old" {
		t.Errorf("the remote pod is %s, want old", got.Name)
	}
}
