package play

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// Which scenarios nodes that are not played can play, and why not.
func TestSkippedOnRealNodes(t *testing.T) {
	client := fake.NewClientset()
	var skips []string
	for _, file := range all(t) {
		if why := skipped(file, Options{Client: client}); why != "" {
			skips = append(skips, file.Name+": "+why)
		}
		if why := skipped(file, Options{Client: client, PlayNodes: true}); why != "" {
			t.Errorf("%s, with played nodes: %s", file.Name, why)
		}
	}
	want := []string{
		"eviction-before-start: it needs nodes that are played: a pod is evicted that exceeds no limit",
		"node-lost: it needs nodes that are played: a node is lost",
		"unschedulable-then-scheduled: it needs nodes that are played: a pod waits for its node",
	}
	slices.Sort(skips)
	if !slices.Equal(skips, want) {
		t.Errorf("%q", skips)
	}
}

// A remote pod's deletion is the replay's to do where nobody plays the nodes.
func TestVanishingIsAStepOnRealNodes(t *testing.T) {
	file := all(t, "deleted-behind-the-back")[0]
	s := &stage{file: file}
	if steps := s.steps(); len(steps) != 0 {
		t.Errorf("remote cluster unknown: %+v", steps)
	}
	s.remote = fake.NewClientset()
	if steps := s.steps(); len(steps) != 1 || steps[0].vanish != "vanished" || steps[0].At.Seconds() != 21 {
		t.Errorf("%+v", steps)
	}
	s.nodes = &node.Nodes{}
	if steps := s.steps(); len(steps) != 0 {
		t.Errorf("played nodes do it themselves: %+v", steps)
	}
}

func TestUntouchedPods(t *testing.T) {
	waits := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
	}
	pod := func(states ...corev1.ContainerState) (pod corev1.Pod) {
		for _, state := range states {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{State: state})
		}
		return pod
	}
	unscheduled := pod()
	unscheduled.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}
	initialized := pod(waits("PodInitializing"))
	initialized.Status.InitContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	for name, tc := range map[string]struct {
		pod  corev1.Pod
		want bool
	}{
		"new":                 {pod(), true},
		"being created":       {pod(waits("ContainerCreating"), waits("")), true},
		"no node":             {unscheduled, false},
		"init container runs": {initialized, false},
		"one of two runs":     {pod(waits("ContainerCreating"), corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}), false},
		"no image":            {pod(waits("ErrImagePull")), false},
		"ended":               {pod(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}), false},
	} {
		if got := untouched(tc.pod); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
