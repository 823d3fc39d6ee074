package accounting_test

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
)

// A pod ends and is deleted while the watch of a replica is interrupted. What another replica has seen counts; without
// one, its container ran until the pods were last heard of.
func TestADeleteThatAReplicaMissed(t *testing.T) {
	const start = 60
	for name, test := range map[string]struct {
		// end is when the container ends, in seconds, and reported when the kubelet reports it; the pod is deleted 10
		// seconds later. The watch of the first replica is interrupted from cut until listed.
		end, reported, cut, listed int64
		// other says that there is another replica, stops that it stops 10 seconds after the delete, and offline for
		// how many seconds after the list it does not reach the store, and has not since the watch was interrupted.
		other, stops bool
		offline      int64
		counted      int64 // until when the container counts
	}{
		"alone":                          {end: 960, reported: 961, cut: 900, listed: 1000, counted: 899},
		"alone, after a long time":       {end: 960, reported: 961, cut: 600, listed: 1400, counted: 599},
		"alone, at once":                 {end: 960, reported: 961, cut: 960, listed: 975, counted: 959},
		"alone, and the report is late":  {end: 900, reported: 990, cut: 960, listed: 1010, counted: 959},
		"another saw it":                 {end: 960, reported: 961, cut: 900, listed: 1000, other: true, counted: 960},
		"another saw it, a long time":    {end: 960, reported: 961, cut: 600, listed: 1400, other: true, counted: 960},
		"another saw it late":            {end: 900, reported: 990, cut: 960, listed: 1010, other: true, counted: 900},
		"another saw it, it is counted":  {end: 900, reported: 990, cut: 986, listed: 1085, other: true, counted: 900},
		"another saw it and stops":       {end: 960, reported: 961, cut: 900, listed: 1000, other: true, stops: true, counted: 960},
		"another saw it late and stops":  {end: 900, reported: 990, cut: 960, listed: 1010, other: true, stops: true, counted: 900},
		"another saw it, and is offline": {end: 990, reported: 991, cut: 900, listed: 1010, other: true, offline: 75, counted: 990},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now().Unix()
				w := &workload{uid: "uid", namespace: "demo", requests: []corev1.ResourceList{{corev1.ResourceCPU: resource.MustParse("1")}}, runs: [][]run{{{begin + start, begin + test.end}}}}
				s := &site{t: t, store: &memory{}, pods: map[types.UID]*corev1.Pod{}}
				first := s.start()
				if test.other {
					time.Sleep(11 * time.Second) // they update at other times
					s.start()
				}
				for now := time.Now().Unix() - begin; now < test.listed+1000; now = time.Now().Unix() - begin {
					switch now {
					case start, test.reported:
						s.report(w.uid, w.pod(begin+now))
					case test.reported + 10:
						s.report(w.uid, nil)
					case test.reported + 20:
						if test.stops {
							s.end(1, false)
						}
					case test.listed + test.offline:
						if test.other && !test.stops {
							s.replicas[1].setOffline(false)
						}
					}
					if now == test.cut {
						first.cut = true
						if test.offline > 0 {
							s.replicas[1].setOffline(true)
						}
					}
					if now == test.listed {
						s.list(first)
					}
					for _, r := range s.replicas {
						if !r.cut {
							r.hear()
						}
					}
					synctest.Wait()
					s.look()
					time.Sleep(time.Second)
				}
				for _, r := range s.replicas {
					got := totals(t, r.accounting.Ledger())["demo cpu"]
					if want := 1000 * (test.counted - start); got == nil || got.Int64() != want {
						t.Errorf("%v is counted, want %v", got, want)
					}
				}
				for len(s.replicas) > 0 {
					s.end(0, false)
				}
			})
		})
	}
}
