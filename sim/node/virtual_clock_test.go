package node_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// With a virtual clock that advances only when the nodes are up to date, every state of
// a pod is seen at its exact time. The nodes do not bind a pod that Behavior excludes.
func TestVirtualClock(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Unix(1000, 0))
	client := fakecluster.New(fakecluster.Options{Now: clock.Now}).Client()
	behavior := func(pod *corev1.Pod) (scenario.Pod, bool) {
		return scenario.Pod{Containers: map[string]scenario.Container{"main": {Run: &metav1.Duration{Duration: 7 * time.Second}}}}, pod.Name == "simulated"
	}
	nodes := runNodes(t, node.Options{Client: client, Clock: clock, Behavior: behavior})
	pods := client.CoreV1().Pods("default")
	for _, name := range []string{"simulated", "ignored"} {
		if _, err := pods.Create(t.Context(), remotePod(name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	type transition struct {
		After time.Duration
		Phase corev1.PodPhase
	}
	var got []transition
	for next, more := clock.Now(), true; more; next, more = nodes.NextTransition() {
		clock.SetTime(next)
		var pod *corev1.Pod
		testkit.Eventually(t, "the nodes are up to date", func() bool {
			var err error
			if pod, err = pods.Get(t.Context(), "simulated", metav1.GetOptions{}); err != nil {
				t.Fatal(err)
			}
			return nodes.UpToDate(map[types.UID]string{pod.UID: pod.ResourceVersion})
		})
		if !nodes.Idle() {
			t.Error("the nodes are up to date, but not idle")
		}
		got = append(got, transition{clock.Since(time.Unix(1000, 0)), pod.Status.Phase})
	}
	want := []transition{{0, corev1.PodPending}, {time.Second, corev1.PodRunning}, {8 * time.Second, corev1.PodSucceeded}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if nodes.UpToDate(nil) {
		t.Error("UpToDate returns true for a set without the simulated pod")
	}
	if other, err := pods.Get(t.Context(), "ignored", metav1.GetOptions{}); err != nil || other.Spec.NodeName != "" {
		t.Errorf("the excluded pod is bound to %q, error %v", other.Spec.NodeName, err)
	}
}

// jumpingClock jumps once, when a timer is about to start.
type jumpingClock struct {
	*testingclock.FakeClock
	jump atomic.Pointer[time.Time]
}

// After starts a timer.
func (c *jumpingClock) After(d time.Duration) <-chan time.Time {
	if moment := c.jump.Swap(nil); moment != nil {
		c.SetTime(*moment)
	}
	return c.FakeClock.After(d)
}

// A clock that jumps while a worker starts its timer does not make it miss the moment.
func TestJumpWhileATimerStarts(t *testing.T) {
	clock := &jumpingClock{FakeClock: testingclock.NewFakeClock(time.Unix(1000, 0))}
	client := fakecluster.New(fakecluster.Options{Now: clock.Now}).Client()
	nodes := runNodes(t, node.Options{Client: client, Clock: clock})
	pods := client.CoreV1().Pods("default")
	if _, err := pods.Create(t.Context(), remotePod("app"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	isUpToDate := func(phase corev1.PodPhase) func() bool {
		return func() bool {
			pod, err := pods.Get(t.Context(), "app", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return pod.Status.Phase == phase && nodes.UpToDate(map[types.UID]string{pod.UID: pod.ResourceVersion})
		}
	}
	testkit.Eventually(t, "the pod is bound", isUpToDate(corev1.PodPending))
	starts := time.Unix(1001, 0)
	clock.jump.Store(&starts)
	// The event of this change is the last one, and makes the worker start its timer again.
	if _, err := pods.Patch(t.Context(), "app", types.MergePatchType, []byte(`{"metadata":{"annotations":{"a":"b"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the pod runs", isUpToDate(corev1.PodRunning))
}
