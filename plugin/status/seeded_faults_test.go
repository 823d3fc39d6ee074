package status_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// forEach returns a fault that changes each container of an answer. remote is the
// status of the same container in the remote pod, or nil.
func forEach(change func(s, remote *corev1.ContainerStatus)) func(requested, remote *corev1.Pod, answer *wire.PodStatus) {
	return func(_, remote *corev1.Pod, answer *wire.PodStatus) {
		for i := range answer.Containers {
			s := &answer.Containers[i]
			change(s, podstate.Find(remote.Status.ContainerStatuses, s.Name))
		}
	}
}

// faults are mistakes that a plugin can make in its answers.
var faults = []struct {
	name string
	rule string // the rule of docs/contract.md that the fault breaks, and that the errors name
	seed func(requested, remote *corev1.Pod, answer *wire.PodStatus)
}{
	{"no containers", "STATUS-12", func(_, _ *corev1.Pod, a *wire.PodStatus) { a.Containers = list{} }},
	{"last container is missing", "STATUS-13", func(_, _ *corev1.Pod, a *wire.PodStatus) { a.Containers = a.Containers[:len(a.Containers)-1] }},
	{"injected container is reported", "STATUS-15", func(_, remote *corev1.Pod, a *wire.PodStatus) {
		if s := podstate.Find(remote.Status.ContainerStatuses, "helper"); s != nil {
			a.Containers = append(a.Containers, *s)
		}
	}},
	{"sidecars are reported", "STATUS-20", func(_, remote *corev1.Pod, a *wire.PodStatus) {
		for _, s := range remote.Status.InitContainerStatuses {
			if s.Name != "mesh-setup" && s.State.Running != nil {
				a.InitContainers = append(a.InitContainers, s)
			}
		}
	}},
	{"containers wait after an init container failed", "STATUS-17", func(_, _ *corev1.Pod, a *wire.PodStatus) {
		failed := func(s corev1.ContainerStatus) bool {
			return s.State.Terminated != nil && s.State.Terminated.ExitCode != 0
		}
		for i := range a.Containers {
			if slices.ContainsFunc(a.InitContainers, failed) {
				a.Containers[i].State = waits("PodInitializing")
			}
		}
	}},
	{"restarting containers are terminated", "STATUS-31", forEach(func(s, _ *corev1.ContainerStatus) {
		if s.State.Waiting != nil && s.LastTerminationState.Terminated != nil {
			s.State = s.LastTerminationState
		}
	})},
	{"remote states are passed on unchanged", "STATUS-37", forEach(func(s, remote *corev1.ContainerStatus) {
		if remote != nil && remote.State != (corev1.ContainerState{}) {
			s.State = remote.State
		}
	})},
	{"terminated container is kept waiting", "STATUS-27", func(_, _ *corev1.Pod, a *wire.PodStatus) {
		last := len(a.Containers) - 1
		for i := range a.Containers {
			if s := &a.Containers[i]; i < last && s.State.Waiting != nil && s.State.Waiting.Reason == "PodEnding" {
				s.State, a.Containers[last].State = s.LastTerminationState, s.State
			}
		}
	}},
	{"local containers of a failed pod are missing", "STATUS-26", func(_, remote *corev1.Pod, a *wire.PodStatus) {
		a.Containers = slices.DeleteFunc(a.Containers, func(s corev1.ContainerStatus) bool {
			return !slices.ContainsFunc(remote.Spec.Containers, func(c corev1.Container) bool { return c.Name == s.Name })
		})
	}},
}

// TestSeededFaultsAreFound checks that the generated pods show each fault, and for the
// right reason: the error names the rule that the fault breaks. One fault can break
// several rules, so the errors of some pods can name another rule.
func TestSeededFaultsAreFound(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.rule+" "+fault.name, func(t *testing.T) {
			faulty := func(requested, remote *corev1.Pod) wire.PodStatus {
				answer := status.Of(requested, remote)
				if remote != nil {
					fault.seed(requested, remote, &answer)
				}
				return answer
			}
			random := rand.New(rand.NewPCG(5, 6))
			others := map[string]int{} // errors that name other rules
			for range generated {
				requested, remote := generate(random)
				err := checkHistories(random, faulty, requested, remote)
				var broken *ruleError
				switch {
				case errors.As(err, &broken) && broken.rule == fault.rule:
					return
				case broken != nil:
					others[broken.rule]++
				case err != nil:
					others[err.Error()]++
				}
			}
			t.Errorf("no error of %d generated pods names %s; the errors name %v", generated, fault.rule, others)
		})
	}
}
