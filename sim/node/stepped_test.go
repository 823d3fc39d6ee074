package node_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// A clock that moves only when the nodes have settled shows every state of a pod,
// each at its exact time; pods that are not theirs they leave alone.
func TestStepped(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Unix(1000, 0))
	client := fakecluster.New(fakecluster.Options{Now: clock.Now}).Client()
	behaviour := func(pod *corev1.Pod) (scenario.Pod, bool) {
		return scenario.Pod{Containers: map[string]scenario.Container{"main": {Run: &metav1.Duration{Duration: 7 * time.Second}}}}, pod.Name == "ours"
	}
	nodes := play(t, node.Options{Client: client, Clock: clock, Behaviour: behaviour})
	pods := client.CoreV1().Pods("default")
	for _, name := range []string{"ours", "not-ours"} {
		if _, err := pods.Create(t.Context(), remote(name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	type moment struct {
		After time.Duration
		Phase corev1.PodPhase
	}
	var got []moment
	for next, more := clock.Now(), true; more; next, more = nodes.NextTransition() {
		clock.SetTime(next)
		var pod *corev1.Pod
		for settled, deadline := false, time.Now().Add(20*time.Second); !settled; time.Sleep(time.Millisecond) {
			var err error
			if pod, err = pods.Get(t.Context(), "ours", metav1.GetOptions{}); err != nil {
				t.Fatal(err)
			}
			settled = nodes.UpToDate(map[types.UID]string{pod.UID: pod.ResourceVersion})
			if settled && !nodes.Idle() {
				t.Error("settled, and not idle")
			}
			if time.Now().After(deadline) {
				t.Fatal("the nodes do not settle")
			}
		}
		got = append(got, moment{clock.Since(time.Unix(1000, 0)), pod.Status.Phase})
	}
	want := []moment{{0, corev1.PodPending}, {time.Second, corev1.PodRunning}, {8 * time.Second, corev1.PodSucceeded}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if nodes.UpToDate(nil) {
		t.Error("settled without the pod that they play")
	}
	if other, err := pods.Get(t.Context(), "not-ours", metav1.GetOptions{}); err != nil || other.Spec.NodeName != "" {
		t.Errorf("%v, bound to %q", err, other.Spec.NodeName)
	}
}
