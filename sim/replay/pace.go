package replay

import (
	"context"
	"time"

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
