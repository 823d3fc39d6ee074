package play

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const (
	// maxStartTime is how long to wait for real nodes to start with the pods before
	// the scenario's times count.
	maxStartTime = 2 * time.Minute
)

// waitForRealNodes lets the scenario's times count from the moment when real nodes
// have started with its pods, since how long they need is not known. Simulated nodes
// need one second, so the times count from one second earlier.
func (p *player) waitForRealNodes(ctx context.Context) error {
	env := p.env
	if env.remote == nil || env.nodes != nil {
		return nil
	}
	for limit := env.started.Add(maxStartTime); env.clock.Now().Before(limit); {
		pods, err := env.remotePods(ctx)
		if err == nil && !slices.ContainsFunc(pods, notStarted) {
			break
		}
		if err := env.clock.waitUntil(ctx, env.clock.Now().Add(observePause)); err != nil {
			return err
		}
		if !p.nextPoll.After(env.clock.Now()) {
			p.poll(ctx)
		}
	}
	if start := env.clock.Now().Add(-time.Second); start.After(p.stepsFrom) {
		p.stepsFrom = start
	}
	return nil
}

// notStarted reports whether no node has done anything with a pod yet. A pod for
// which the scheduler found no node counts as started.
func notStarted(pod corev1.Pod) bool {
	if slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	}) {
		return false
	}
	containers := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	return !slices.ContainsFunc(containers, func(c corev1.ContainerStatus) bool {
		waiting := c.State.Waiting
		return waiting == nil || waiting.Reason != "" && waiting.Reason != "ContainerCreating" && waiting.Reason != "PodInitializing"
	})
}

// timeOf returns when a step is due.
func (p *player) timeOf(step timedStep) time.Time { return p.stepsFrom.Add(step.At.Duration) }

// canHappen reports whether a step that is due can happen. Simulated nodes are always
// on time. Real nodes are slow on a loaded machine, so there a step waits until the
// local cluster has shown what the scenario expects before the step.
func (p *player) canHappen(step timedStep) bool {
	if p.env.nodes != nil || p.env.clock.Now().After(p.timeOf(step).Add(p.env.options.lateness())) {
		return true
	}
	for key, expected := range p.env.file.Expect.Pods {
		if !shownBefore(step, key, expected, p.env.kubelet.Phases(key), p.env.kubelet.Status(key)) {
			return false
		}
	}
	return true
}

// shownBefore reports whether the local cluster has shown what a pod is expected to
// show before a step.
func shownBefore(step timedStep, key string, expected scenario.PodExpectation, phases []corev1.PodPhase, status corev1.PodStatus) bool {
	count := 0 // how many of the expected phases come before the step
	switch {
	case step.Delete == key, step.DeleteUnreported == key:
		count = len(expected.Phases)
	case step.deleteRemotePod == key, step.expireDeadline == key:
		count = len(expected.Phases) - 1
		// A container that still runs then cannot exit with 0 any more.
		for _, c := range status.ContainerStatuses {
			if code := expected.Containers[c.Name].ExitCode; code != nil && *code == 0 && c.State.Terminated == nil {
				return false
			}
		}
	case step.RestartVirtualKubelet != nil, step.RestartPlugin != nil, step.Recreate == key:
		count = slices.Index(expected.Phases, corev1.PodRunning) + 1
	}
	ended := status.Phase == corev1.PodSucceeded || status.Phase == corev1.PodFailed
	return ended || len(phases) >= count
}

// complete reports whether the local cluster shows all that is expected at the
// scenario's end. Real nodes may need longer than until for it.
func (p *player) complete() bool {
	for key, expected := range p.env.file.Expect.Pods {
		now := *p.seen.Pods[key]
		now.Phases, now.Status = p.env.kubelet.Phases(key), p.env.kubelet.Status(key)
		if len(judge.StatusDifferences(key, expected, &now)) > 0 {
			return false
		}
	}
	return true
}
