package orphans_test

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

var deleteWithLastPod = map[string]string{wire.AnnotationRetention: "delete"}

// An object goes when each look within a grace has found it without a pod. With a grace that is
// shorter than a create, it stays for the time of a create: it may belong to one in flight,
// whatever the clock of the API server says.
func TestObjectsStayForAGraceAndForACreate(t *testing.T) {
	for _, test := range []struct {
		name            string
		grace, inFlight time.Duration
		drift           time.Duration // of the plugin's clock
		stays           time.Duration
	}{
		{"a grace", time.Hour, 100 * time.Second, 0, time.Hour},
		{"a create", 10 * time.Second, 100 * time.Second, 0, 100 * time.Second},
		{"a create, and the clock is ahead", 10 * time.Second, 100 * time.Second, time.Hour, 100 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 11)
				w.drift = test.drift
				w.add("vk", "live", 1, true)
				p := w.start("0", func(o *orphans.Options) { o.Grace, o.InFlight = test.grace, test.inFlight })
				w.run(time.Minute, only(p), nil)
				w.addObject("persistentvolumeclaims", "claim", deleteWithLastPod)
				w.addObject("persistentvolumeclaims", "retained", map[string]string{wire.AnnotationRetention: "retain"})
				w.addObject("secrets", "secret", nil)
				w.run(test.stays-10*time.Second, only(p), nil)
				w.expectDeleted(nil)
				// The last look of the time, and the first one after a further grace, are later.
				w.run(test.stays+2*test.grace, only(p), nil)
				w.expectDeleted([]string{"claim", "secret"})
				want := map[string]int{"persistentvolumeclaims": 1, "secrets": 1}
				if stats := p.Stats(); !maps.Equal(stats.Deleted, want) || stats.Marked != 0 || stats.Searched.IsZero() {
					t.Errorf("the counts are %+v, want %v", stats, want)
				}
				p.end()
			})
		})
	}
}

// With the policy report, objects without a pod are in the log, once each, and stay.
func TestReportDeletesNoObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 12)
		w.add("vk", "live", 1, true)
		w.addObject("persistentvolumeclaims", "claim", deleteWithLastPod)
		w.addObject("configmaps", "config", nil)
		p := w.start("0", func(o *orphans.Options) { o.Report = true })
		w.run(6*grace, only(p), nil)
		w.expectDeleted(nil)
		p.end()
		log := p.log.String()
		for _, name := range []string{"claim", "config"} {
			if n := strings.Count(log, "remote=offloading/"+name+" "); n != 1 {
				t.Errorf("%s is %d times in the log:\n%s", name, n, log)
			}
		}
		if n := strings.Count(log, "found an object without a pod"); n != 2 {
			t.Errorf("%d findings in the log:\n%s", n, log)
		}
	})
}

// The counts say which pods are marked, and how many were deleted.
func TestCountsOfPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 13)
		w.add("vk", "live", 3, true)
		w.add("vk", "lost", 2, false)
		p := w.start("0")
		if stats := p.Stats(); stats.Marked != 0 || len(stats.Deleted) > 0 || !stats.Searched.IsZero() {
			t.Errorf("at the start: %+v", stats)
		}
		w.run(grace+2*time.Minute, only(p), nil)
		if stats := p.Stats(); stats.Marked != 2 || len(stats.Deleted) > 0 || w.now().Sub(stats.Searched) > 2*time.Minute {
			t.Errorf("after a grace: %+v", stats)
		}
		w.run(grace+2*time.Minute, only(p), nil)
		if stats := p.Stats(); stats.Marked != 0 || !maps.Equal(stats.Deleted, map[string]int{"pods": 2}) {
			t.Errorf("after two graces: %+v", stats)
		}
		p.end()
	})
}
