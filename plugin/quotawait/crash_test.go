package quotawait_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// shortClaims lets a replica take over the work of one that was killed.
func shortClaims(s *settings) { s.claim = time.Second }

// killings are the two moments at which a request finds the process killed.
var killings = []faulty.Fault{kill, killAfter}

// A replica that is killed before or after any request of a creation leaves a state that
// another replica completes: one pod with what it needs, and nothing else.
func TestKilledWhileItCreates(t *testing.T) {
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

				r = e.start(shortClaims)
				// Only the requests of a creation count: those before are tries that the quota
				// refuses.
				counting, count := false, 0
				r.link.set(func(_ int, call string) faulty.Fault {
					if counting {
						count++
					} else if call == "PATCH configmaps/name" && e.hasRoom() {
						counting, count = true, 1
					}
					if counting && count == n+1 {
						reached = true
						return killing
					}
					return ""
				})
				e.end(first)
				testkit.Eventually(t, "the process is killed, or the pod exists", func() bool {
					return r.link.isDead() || slices.Equal(e.names(), sorted(e.created(second)))
				})
				r.stop()
				e.start(shortClaims)
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

// hasRoom reports whether no pod exists.
func (e *env) hasRoom() bool {
	return !slices.ContainsFunc(e.names(), func(name string) bool { return len(name) > 4 && name[:4] == "pod " })
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
					e.start(shortClaims)
					e.eventuallyHas(e.created(first)...)
					return
				}
				r.stop()
				next := e.start(shortClaims)
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
				r := e.start()
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
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if _, err := r.Create(ctx, second); err == nil && reached {
					reached = false // killed later, by the worker
				}
				r.stop()
				next := e.start(shortClaims)
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
			r := e.start()
			first, second := e.request("first", false), e.request("second", true)
			r.create(first)
			r.create(second)
			counting, count := false, 0
			r.link.set(func(_ int, call string) faulty.Fault {
				if counting {
					count++
				} else if call == "PATCH configmaps/name" && e.hasRoom() {
					counting, count = true, 1
				}
				if counting && count == n+1 {
					reached = true
					return faulty.Lost
				}
				return ""
			})
			e.end(first)
			e.eventuallyHas(e.created(second)...)
		})
		if !reached || t.Failed() {
			break
		}
	}
}
