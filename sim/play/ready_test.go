package play

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// On real nodes a step waits for what the scenario expects before it.
func TestStepsWaitForRealNodes(t *testing.T) {
	const pending, running, succeeded, failed = corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed
	type phases = []corev1.PodPhase
	deletes := step{Step: scenario.Step{Delete: "pod"}}
	vanishes, expires := step{vanish: "pod"}, step{expire: "pod"}
	restarts := step{Step: scenario.Step{RestartVirtualKubelet: &scenario.Restart{}}}
	runs := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	for _, test := range []struct {
		name     string
		step     step
		expected phases
		shown    phases
		quick    corev1.ContainerState // expected to exit with 0
		want     bool
	}{
		{"delete of a pod that is to succeed first", deletes, phases{pending, running, succeeded}, phases{pending, running}, runs, false},
		{"delete after the pod succeeded", deletes, phases{pending, running, succeeded}, phases{pending, running, succeeded}, ended, true},
		{"delete of a pod that does not run yet", deletes, phases{pending, running}, phases{pending}, runs, false},
		{"delete of a running pod", deletes, phases{pending, running}, phases{pending, running}, runs, true},
		{"delete of a pod that stays Pending", deletes, phases{pending}, phases{pending}, runs, true},
		{"delete of a pod that failed instead", deletes, phases{pending, running, succeeded}, phases{pending, failed}, runs, true},
		{"delete of another pod", step{Step: scenario.Step{Delete: "other"}}, phases{pending, running}, phases{pending}, runs, true},
		{"loss of the remote pod before the pod runs", vanishes, phases{pending, running, failed}, phases{pending}, ended, false},
		{"loss of the remote pod of a running pod", vanishes, phases{pending, running, failed}, phases{pending, running}, ended, true},
		{"deadline before a container has exited with 0", expires, phases{pending, running, failed}, phases{pending, running}, runs, false},
		{"deadline after a container has exited with 0", expires, phases{pending, running, failed}, phases{pending, running}, ended, true},
		{"restart before the pod runs", restarts, phases{pending, running, pending, running, succeeded}, phases{pending}, runs, false},
		{"restart while the pod runs", restarts, phases{pending, running, pending, running, succeeded}, phases{pending, running}, runs, true},
		{"restart while the pod stays Pending", restarts, phases{pending}, phases{pending}, runs, true},
		{"second create", step{Step: scenario.Step{Create: "pod"}}, phases{pending, running}, phases{pending}, runs, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			expected := scenario.PodExpectation{Phases: test.expected, Containers: map[string]scenario.ContainerExpectation{"quick": {ExitCode: ptr.To[int32](0)}}}
			status := corev1.PodStatus{Phase: test.shown[len(test.shown)-1], ContainerStatuses: []corev1.ContainerStatus{{Name: "quick", State: test.quick}}}
			if got := happened("pod", expected, test.step, test.shown, status); got != test.want {
				t.Errorf("the step can happen: %v, want %v", got, test.want)
			}
		})
	}
}
