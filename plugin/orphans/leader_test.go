package orphans_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const leads = "this replica searches for orphans"

// Of two replicas, one searches; when it is killed or stopped, the other takes over.
func TestOneReplicaSearches(t *testing.T) {
	for name, end := range map[string]func(*process){"killed": (*process).kill, "stopped": (*process).end} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 20)
				w.add("vk", "live", 2, true)
				first := w.start("first")
				time.Sleep(time.Minute)
				second := w.start("second")
				w.run(time.Hour, only(first), nil)
				if !strings.Contains(first.log.String(), leads) || strings.Contains(second.log.String(), leads) {
					t.Errorf("the logs are\n%s\n%s", first.log, second.log)
				}
				end(first)
				w.run(3*time.Minute, only(second), nil)
				if !strings.Contains(second.log.String(), leads) {
					t.Error("the second replica does not take over")
				}
				second.end()
			})
		})
	}
}

// Without permission for the Lease nothing is searched, and the log says so once; with it,
// the search begins. Marks are removed all the same.
func TestLeaseThatCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 21)
		w.add("vk", "live", 2, true)
		lost := w.add("vk", "lost", 1, false)
		w.refuse = apierrors.NewForbidden(leases, "lease", errKilled)
		p := w.start("0")
		w.run(3*grace, only(p), nil)
		if n := strings.Count(p.log.String(), "nothing searches for orphans"); n != 1 || w.marks > 0 {
			t.Errorf("%d marks, and the log is\n%s", w.marks, p.log)
		}
		w.mu.Lock()
		w.refuse = nil
		w.mu.Unlock()
		w.run(3*grace, only(p), nil)
		w.expectDeleted(lost)
		p.end()
	})
}

// The plugin stops although the release of the Lease hangs.
func TestStopsWhileTheReleaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 22)
		p := w.start("0")
		time.Sleep(time.Minute)
		w.mu.Lock()
		w.hang = make(chan struct{})
		w.mu.Unlock()
		began := time.Now() // the clock of the bubble
		p.end()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it stops after %s", took)
		}
		time.Sleep(time.Minute) // the release ends too
	})
}
