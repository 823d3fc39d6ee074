package status_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The judge has teeth: what a plugin can get wrong is caught.
func TestMutantsAreCaught(t *testing.T) {
	for name, mutate := range map[string]func(requested, remote *corev1.Pod, answer *wire.PodStatus){
		"no containers":          func(_, _ *corev1.Pod, a *wire.PodStatus) { a.Containers = []corev1.ContainerStatus{} },
		"a container is dropped": func(_, _ *corev1.Pod, a *wire.PodStatus) { a.Containers = a.Containers[:len(a.Containers)-1] },
		"the injected one is reported": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			for _, s := range remote.Status.ContainerStatuses {
				if s.Name == "helper" {
					a.Containers = append(a.Containers, s)
				}
			}
		},
		"sidecars are listed": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			for _, s := range remote.Status.InitContainerStatuses {
				if s.Name != "mesh-setup" && s.State.Running != nil {
					a.InitContainers = append(a.InitContainers, s)
				}
			}
		},
		"init failures are reported as Kubernetes does": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			failed := slices.ContainsFunc(a.InitContainers, func(s corev1.ContainerStatus) bool {
				return s.State.Terminated != nil && s.State.Terminated.ExitCode != 0
			})
			for i := range a.Containers {
				if failed {
					a.Containers[i].State = waits("PodInitializing")
				}
			}
		},
		"restarting containers are terminated": func(_, _ *corev1.Pod, a *wire.PodStatus) {
			for i := range a.Containers {
				if s := &a.Containers[i]; s.State.Waiting != nil && s.LastTerminationState.Terminated != nil {
					s.State = s.LastTerminationState
				}
			}
		},
		"states are passed on as they are": func(_, remote *corev1.Pod, a *wire.PodStatus) {
			for i := range a.Containers {
				for _, s := range remote.Status.ContainerStatuses {
					if s.Name == a.Containers[i].Name && s.State != (corev1.ContainerState{}) {
						a.Containers[i].State = s.State
					}
				}
			}
		},
		"an end is taken back": func(_, _ *corev1.Pod, a *wire.PodStatus) {
			last := len(a.Containers) - 1
			for i := range a.Containers {
				if held := &a.Containers[i]; i < last && held.State.Waiting != nil && held.State.Waiting.Reason == "PodEnding" {
					held.State, a.Containers[last].State = held.LastTerminationState, held.State
				}
			}
		},
		"containers that stayed local are left out of a failure": func(requested, remote *corev1.Pod, a *wire.PodStatus) {
			a.Containers = slices.DeleteFunc(a.Containers, func(s corev1.ContainerStatus) bool {
				return !slices.ContainsFunc(remote.Spec.Containers, func(c corev1.Container) bool { return c.Name == s.Name })
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			mutant := func(requested, remote *corev1.Pod) wire.PodStatus {
				answer := status.Of(requested, remote)
				if remote != nil {
					mutate(requested, remote, &answer)
				}
				return answer
			}
			for range generated {
				requested, remote := generate(random)
				if judgeAll(random, mutant, requested, remote) != nil {
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}
