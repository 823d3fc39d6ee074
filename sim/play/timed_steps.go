package play

import (
	"cmp"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// timedStep is a step of the scenario, or an event of a remote pod that simulated
// nodes would cause themselves.
type timedStep struct {
	scenario.Step
	deleteRemotePod string // the local pod whose remote pod is deleted
	expireDeadline  string // the local pod whose remote pod exceeds its deadline
	endOtherPod     bool   // the other pod, which uses the quota or the node, is deleted
}

// timedSteps returns the steps in the order of their times.
func timedSteps(env *environment) []timedStep {
	var steps []timedStep
	for _, step := range env.file.Steps {
		steps = append(steps, timedStep{Step: step})
	}
	if until := env.file.RemoteSetup.OtherPodUntil; until.Duration > 0 {
		steps = append(steps, timedStep{Step: scenario.Step{At: until}, endOtherPod: true})
	}
	if env.remote != nil && env.nodes == nil {
		for key, pod := range env.file.Nodes {
			for _, event := range pod.Events {
				switch {
				case event.Delete:
					steps = append(steps, timedStep{Step: scenario.Step{At: event.At}, deleteRemotePod: key})
				case event.Deadline:
					steps = append(steps, timedStep{Step: scenario.Step{At: event.At}, expireDeadline: key})
				}
			}
		}
	}
	return slices.SortedStableFunc(slices.Values(steps), func(a, b timedStep) int {
		return cmp.Compare(a.At.Duration, b.At.Duration)
	})
}
