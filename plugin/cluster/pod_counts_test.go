package cluster

import (
	"log/slog"
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

func TestPodsAreCounted(t *testing.T) {
	at := func(minute int) metav1.Time {
		return metav1.NewTime(time.Date(2030, 1, 1, 0, minute, 0, 0, time.UTC))
	}
	pod := func(phase corev1.PodPhase, created int, deleted int) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: at(created)}, Status: corev1.PodStatus{Phase: phase}}
		if deleted > 0 {
			late := at(deleted)
			p.DeletionTimestamp = &late
		}
		return p
	}
	for name, test := range map[string]struct {
		pods             []*corev1.Pod
		phases           map[corev1.PodPhase]int
		pending, overdue time.Time
	}{
		"none":    {nil, nil, time.Time{}, time.Time{}},
		"running": {[]*corev1.Pod{pod(corev1.PodRunning, 1, 0)}, map[corev1.PodPhase]int{corev1.PodRunning: 1}, time.Time{}, time.Time{}},
		"the oldest one that is Pending": {
			[]*corev1.Pod{pod(corev1.PodPending, 5, 0), pod("", 3, 0), pod(corev1.PodPending, 4, 0), pod(corev1.PodRunning, 1, 0), pod(corev1.PodPending, 2, 9)},
			map[corev1.PodPhase]int{corev1.PodPending: 4, corev1.PodRunning: 1}, at(3).Time, at(9).Time,
		},
		"the one to be gone first": {
			[]*corev1.Pod{pod(corev1.PodRunning, 1, 8), pod(corev1.PodFailed, 1, 7), pod(corev1.PodSucceeded, 1, 9)},
			map[corev1.PodPhase]int{corev1.PodRunning: 1, corev1.PodFailed: 1, corev1.PodSucceeded: 1}, time.Time{}, at(7).Time,
		},
		"phases that Kubernetes does not have": {
			[]*corev1.Pod{pod("A", 1, 0), pod("B", 1, 0), pod(corev1.PodUnknown, 1, 0)},
			map[corev1.PodPhase]int{corev1.PodUnknown: 3}, time.Time{}, time.Time{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(fake.NewClientset(), "", status.CachedFields, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range test.pods {
				p.Name = string(rune('a' + i))
				cached, err := encodePod(p)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.pods.informer.GetIndexer().Add(cached); err != nil {
					t.Fatal(err)
				}
			}
			want := map[corev1.PodPhase]int{}
			for _, phase := range PodPhases {
				want[phase] = test.phases[phase]
			}
			got := c.CountPods()
			if !maps.Equal(got.Phases, want) || !got.OldestPending.Equal(test.pending) || !got.Overdue.Equal(test.overdue) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
