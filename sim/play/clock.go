package play

import (
	"context"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// clock is the time of one scenario.
type clock interface {
	node.Clock
	// waitUntil returns at a moment, or with the reason why ctx ended before.
	waitUntil(ctx context.Context, moment time.Time) error
	// noEventsLeft reports whether no further event will happen, so that waiting is useless.
	noEventsLeft() bool
}

// virtualClock stops until everything that is due has happened, and then jumps to
// the next moment at which something is due. So minutes pass in milliseconds, and
// every run is the same.
type virtualClock struct {
	*testingclock.FakeClock
	// waitIdle waits until everything that is due now has happened.
	waitIdle func(context.Context) error
	// next returns when something is due next; false if never.
	next func() (time.Time, bool)
}

func newVirtualClock(waitIdle func(context.Context) error, next func() (time.Time, bool)) *virtualClock {
	// Kubernetes stores times in whole seconds.
	now := time.Now().Truncate(time.Second)
	return &virtualClock{FakeClock: testingclock.NewFakeClock(now), waitIdle: waitIdle, next: next}
}

func (c *virtualClock) waitUntil(ctx context.Context, moment time.Time) error {
	for {
		if err := c.waitIdle(ctx); err != nil {
			return err
		}
		next, ok := c.next()
		if !ok || next.After(moment) {
			break
		}
		if next.After(c.Now()) {
			c.SetTime(next)
		}
	}
	if moment.After(c.Now()) {
		c.SetTime(moment)
	}
	return nil
}

func (c *virtualClock) noEventsLeft() bool {
	_, ok := c.next()
	return !ok
}

// observePause is the pause between two observations by a realtimeClock.
const observePause = time.Second

// realtimeClock is real time, or a multiple of it.
type realtimeClock struct {
	node.Clock
	// observe is called at every observePause while the clock waits, and at least
	// once.
	observe func(context.Context)
}

func newRealtimeClock(speed float64, observe func(context.Context)) *realtimeClock {
	return &realtimeClock{Clock: node.ScaledClock(speed), observe: observe}
}

func (c *realtimeClock) waitUntil(ctx context.Context, moment time.Time) error {
	for {
		c.observe(ctx)
		remaining := moment.Sub(c.Now())
		if remaining <= 0 {
			return context.Cause(ctx)
		}
		select {
		case <-c.After(min(remaining, observePause)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *realtimeClock) noEventsLeft() bool { return false }
