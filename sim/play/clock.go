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
//
// A plugin that runs elsewhere has its own timers, and this program does not know
// when it has observed a change: before each jump the clock then waits in real time.
// A slow machine still cannot change the order of polls and of what the nodes do.
type virtualClock struct {
	*testingclock.FakeClock
	speed float64 // how many times as fast as real time; 0 if no real time must pass
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
			if err := c.jump(ctx, next); err != nil {
				return err
			}
		}
	}
	if moment.After(c.Now()) {
		return c.jump(ctx, moment)
	}
	return nil
}

// jump sets the time to a moment.
func (c *virtualClock) jump(ctx context.Context, moment time.Time) error {
	if c.speed > 0 {
		select {
		case <-time.After(time.Duration(float64(moment.Sub(c.Now())) / c.speed)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	c.SetTime(moment)
	return nil
}

// noEventsLeft is false with a plugin that runs elsewhere: it may still observe one.
func (c *virtualClock) noEventsLeft() bool {
	_, ok := c.next()
	return !ok && c.speed == 0
}

// observePause is the pause between two observations by a realtimeClock.
const observePause = time.Second

// realtimeClock is real time.
type realtimeClock struct {
	node.Clock
	// observe is called at every observePause while the clock waits, and at least
	// once.
	observe func(context.Context)
}

func newRealtimeClock(observe func(context.Context)) *realtimeClock {
	return &realtimeClock{Clock: node.ScaledClock(1), observe: observe}
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

// instantClock jumps to each moment at once, and knows of no events.
type instantClock struct{ *testingclock.FakeClock }

func (c instantClock) waitUntil(ctx context.Context, moment time.Time) error {
	if moment.After(c.Now()) {
		c.SetTime(moment)
	}
	return context.Cause(ctx)
}

func (instantClock) noEventsLeft() bool { return false }
