package quotawait_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// During a pause, no pod that waits is created, although the quota permits it; one that is deleted goes. After it, they are created.
func TestPause(t *testing.T) {
	e := newEnv(t, "pods=1")
	var paused atomic.Bool
	r := e.start(func(s *settings) { s.waiting.Paused = paused.Load })
	first, second, third := e.request("first", false), e.request("second", false), e.request("third", false)
	r.create(first)
	r.create(second)
	r.create(third)
	e.eventuallyHas(slices.Concat(e.created(first), e.stored(second), e.stored(third))...)
	lookedAt := func() {
		t.Helper()
		r.link.set(nil)
		r.waiting.Resume()
		testkit.Eventually(t, "the pods are looked at", func() bool { return slices.Contains(r.link.seen(), "GET configmaps/name") })
	}
	paused.Store(true)
	lookedAt() // no try is under way any more
	e.end(first)
	e.eventuallyUses("pods", "0")
	lookedAt()
	r.remove(third)
	e.eventuallyHas(e.stored(second)...)
	r.expectWaiting(second)
	if calls := r.link.seen(); slices.Contains(calls, "POST pods") {
		t.Errorf("during the pause, the plugin sent %v", calls)
	}
	paused.Store(false)
	r.waiting.Resume()
	e.eventuallyHas(e.created(second)...)
}
