package play

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// pace is how time passes for a scenario.
type pace interface {
	node.Clock
	// until lets time pass up to a moment, or returns why ctx ended.
	until(ctx context.Context, moment time.Time) error
	// idle says that nothing would happen any more, however long one waits.
	idle() bool
}

// stepped is time that stands still until everybody has done what is due, and
// then jumps to the next moment at which something is. Minutes pass in
// milliseconds, and every run goes the same way.
type stepped struct {
	*testingclock.FakeClock
	// settle returns once nobody has anything to do at this moment.
	settle func(context.Context) error
	// next is when the nodes have something to do; false if never.
	next func() (time.Time, bool)
}

func (s *stepped) until(ctx context.Context, moment time.Time) error {
	for {
		if err := s.settle(ctx); err != nil {
			return err
		}
		next, ok := s.next()
		if !ok || next.After(moment) {
			break
		}
		if next.After(s.Now()) {
			s.SetTime(next)
		}
	}
	if moment.After(s.Now()) {
		s.SetTime(moment)
	}
	return nil
}

func (s *stepped) idle() bool {
	_, ok := s.next()
	return !ok
}

// flowing is time on the clock, some times as fast.
type flowing struct {
	node.Clock
	// look is called now and then, at least once.
	look func(context.Context)
}

// glance is how often time that flows is looked at.
const glance = time.Second

func (f *flowing) until(ctx context.Context, moment time.Time) error {
	for {
		f.look(ctx)
		wait := moment.Sub(f.Now())
		if wait <= 0 {
			return context.Cause(ctx)
		}
		select {
		case <-f.After(min(wait, glance)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *flowing) idle() bool { return false }

// coldStart is the longest that real nodes are waited for before a scenario's
// times count.
const coldStart = 2 * time.Minute

// warmUp lets a scenario's times count from when real nodes have begun with its
// pods: how long they take until then, nobody can say. Simulated ones take a
// second, and so the times are that much less.
func (p *player) warmUp(ctx context.Context) error {
	if p.remote == nil || p.nodes != nil {
		return nil
	}
	for limit := p.begin.Add(coldStart); p.pace.Now().Before(limit); {
		pods, err := p.remotePods(ctx)
		if err == nil && !slices.ContainsFunc(pods, untouched) {
			break
		}
		if err := p.pace.until(ctx, p.pace.Now().Add(glance)); err != nil {
			return err
		}
		if !p.next.After(p.pace.Now()) {
			p.poll(ctx)
			p.next = p.pace.Now().Add(pollEvery)
		}
	}
	if begun := p.pace.Now().Add(-glance); begun.After(p.zero) {
		p.zero = begun
	}
	return nil
}

// untouched says that no node has done anything about a pod yet, and that none
// was looked for in vain.
func untouched(pod corev1.Pod) bool {
	if slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	}) {
		return false
	}
	all := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	return !slices.ContainsFunc(all, func(c corev1.ContainerStatus) bool {
		waits := c.State.Waiting
		return waits == nil || waits.Reason != "" && waits.Reason != "ContainerCreating" && waits.Reason != "PodInitializing"
	})
}
