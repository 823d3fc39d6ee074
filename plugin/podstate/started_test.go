package podstate_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

func TestHasStarted(t *testing.T) {
	waiting := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}
	running := corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	terminated := corev1.ContainerStatus{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}
	restarted := waiting
	restarted.RestartCount = 1
	backOff := waiting
	backOff.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{}
	list := func(s ...corev1.ContainerStatus) []corev1.ContainerStatus { return s }
	for _, test := range []struct {
		name   string
		status corev1.PodStatus
		want   bool
	}{
		{"no status", corev1.PodStatus{}, false},
		{"all wait", corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list(waiting), ContainerStatuses: list(waiting, waiting)}, false},
		{"an init container runs", corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list(waiting, running), ContainerStatuses: list(waiting)}, true},
		{"a container has terminated", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list(waiting, terminated)}, true},
		{"a container was restarted", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list(restarted)}, true},
		{"a container waits to be restarted", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list(backOff)}, true},
		{"the pod runs", corev1.PodStatus{Phase: corev1.PodRunning}, true},
		{"the pod was evicted before it started", corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: list(waiting)}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := podstate.HasStarted(&corev1.Pod{Status: test.status}); got != test.want {
				t.Errorf("HasStarted returns %v, want %v", got, test.want)
			}
		})
	}
}
