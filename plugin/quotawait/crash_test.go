package quotawait_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// shortHolds lets a replica take over the work of one that was killed.
func shortHolds(s *settings) { s.hold = time.Second }

// killings are the two moments at which a request finds the process killed.
var killings = []faulty.Fault{kill, killAfter}

// waitForRoom returns the request of a pod that waits although the quota permits it, since no
// replica runs.
func (e *env) waitForRoom() *wire.CreateRequest {
	e.t.Helper()
	r := e.start(func(s *settings) { s.idle = true })
	first, second := e.request("first", false), e.request("second", true)
	r.create(first)
	r.create(second)
	r.stop()
	e.end(first)
	e.eventuallyUses("pods", "0")
	return second
}

// inCreation returns a choice that fails the n-th request of the first creation of a pod
// that waits, from the moment that a replica takes it to the delete of its marker.
func inCreation(n int, fail func(call string) faulty.Fault) func(int, string) faulty.Fault {
	count, done := 0, false
	return func(_ int, call string) faulty.Fault {
		if done || count == 0 && call != "PATCH configmaps/name" {
			return ""
		}
		done = call == "DELETE configmaps/name"
		if count++; count == n+1 {
			return fail(call)
		}
		return ""
	}
}

// A replica that is killed before or after any request of a creation leaves a state that
// another replica completes: one pod with what it needs, and nothing else.
func TestKilledWhileItCreates(t *testing.T) {
	for _, killing := range killings {
		for n := 0; ; n++ {
			reached := false
			t.Run(fmt.Sprintf("%s request %d", killing, n), func(t *testing.T) {
				e := newEnv(t, "pods=1")
				second := e.waitForRoom()
				r := e.start(shortHolds, func(s *settings) {
					s.choose = inCreation(n, func(string) faulty.Fault { reached = true; return killing })
				})
				testkit.Eventually(t, "the process is killed, or the pod exists", func() bool {
					return r.link.isDead() || slices.Equal(e.names(), sorted(e.created(second)))
				})
				r.stop()
				e.start(shortHolds)
				e.eventuallyHas(e.created(second)...)
			})
			if !reached || t.Failed() {
				break
			}
		}
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

// A replica that is killed while a delete arrives leaves at most what the next replica
// deletes.
func TestKilledWhileItDeletes(t *testing.T) {
	for _, killing := range killings {
		for n := 0; ; n++ {
			reached := false
			t.Run(fmt.Sprintf("%s request %d", killing, n), func(t *testing.T) {
				e := newEnv(t, "pods=1")
				r := e.start()
				first, second := e.request("first", false), e.request("second", true)
				r.create(first)
				r.create(second)
				r.stop()
				// The replica that gets the delete has no other work.
				r = e.start(func(s *settings) { s.idle = true })
				r.link.set(func(i int, _ string) faulty.Fault {
					if i == n {
						reached = true
						return killing
					}
					return ""
				})
				r.remove(second)
				if !r.link.isDead() {
					e.start(shortHolds)
					e.eventuallyHas(e.created(first)...)
					return
				}
				r.stop()
				next := e.start(shortHolds)
				if n == 0 || n == 1 || n == 2 && killing == kill {
					// Nothing was written: InterLink does not repeat the delete, so the test
					// only sees that a later delete finds everything.
					e.eventuallyHas(append(e.created(first), e.stored(second)...)...)
					next.remove(second)
				}
				e.eventuallyHas(e.created(first)...)
			})
			if !reached || t.Failed() {
				break
			}
		}
	}
}

// A create that fails while its request is stored leaves nothing: what a kill leaves, the
// delete of the failed local pod removes.
func TestKilledWhileItStores(t *testing.T) {
	for _, killing := range killings {
		for n := 0; ; n++ {
			reached := false
			t.Run(fmt.Sprintf("%s request %d", killing, n), func(t *testing.T) {
				e := newEnv(t, "pods=1")
				r := e.start(func(s *settings) { s.options.CreateTimeout = 5 * time.Second })
				first, second := e.request("first", false), e.request("second", true)
				r.create(first)
				storing, count := false, 0
				r.link.set(func(_ int, call string) faulty.Fault {
					if storing {
						count++
					} else if call == "POST pods" {
						storing = true
					}
					if storing && count == n+1 {
						reached = true
						return killing
					}
					return ""
				})
				if _, err := r.Create(t.Context(), second); err == nil && reached {
					reached = false // killed later, by the worker
				}
				r.stop()
				next := e.start(shortHolds)
				next.remove(second)
				e.eventuallyHas(e.created(first)...)
			})
			if !reached || t.Failed() {
				break
			}
		}
	}
}

// The answer to each request of a creation is lost once: the pod exists in the end, and
// nothing else.
func TestLostAnswers(t *testing.T) {
	for n := 0; ; n++ {
		reached := false
		t.Run(fmt.Sprintf("request %d", n), func(t *testing.T) {
			e := newEnv(t, "pods=1")
			second := e.waitForRoom()
			e.start(func(s *settings) {
				s.choose = inCreation(n, func(string) faulty.Fault { reached = true; return faulty.Lost })
			})
			e.eventuallyHas(e.created(second)...)
		})
		if !reached || t.Failed() {
			break
		}
	}
}
