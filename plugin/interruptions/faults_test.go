package interruptions

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A faultPoint is a pod, and the request for it that fails.
type faultPoint struct {
	wire.CreateRequest
	call     string // such as "POST pods"
	with     faulty.Fault
	failures int // how often it fails; -1 for always
	failed   int
	deletes  [][]byte // the bodies of the requests that delete the pod
	jid      string
}

func (p *faultPoint) String() string {
	return fmt.Sprintf("%s with %s: %s", p.Pod.Name, p.call, p.with)
}

// failAt lets the requests of the points fail.
func failAt(i *instance, points []*faultPoint) {
	var mu sync.Mutex
	i.link.on(func(c call) faulty.Fault {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range points {
			if !c.isFor(p.CreateRequest) {
				continue
			}
			if c.String() == "DELETE pods/name" {
				p.deletes = append(p.deletes, c.body)
			}
			if c.String() == p.call && p.failed != p.failures {
				p.failed++
				return p.with
			}
			return ""
		}
		return ""
	})
}

// callsFor returns the kinds of requests for a pod that a create sends, for each shape.
func callsFor(i *instance) [][]string {
	calls := make([][]string, len(shapes))
	for shape := range shapes {
		r := named(neverStarted+"counted", shape)
		jid := i.create(r)
		calls[shape] = unique(i.link.seenFor(r))
		i.delete(r, jid)
	}
	i.site.eventuallyNothingLeft()
	return calls
}

// Each request of a create fails once, in each way that passes. The create succeeds all the same, with the remote pod
// that it made first: it is never deleted.
func TestEachRequestOfACreateFailsOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.start()
	warmUp(i)
	var points []*faultPoint
	for shape, calls := range callsFor(i) {
		for _, call := range calls {
			for _, with := range []faulty.Fault{faulty.Refused, faulty.Lost, faulty.Overloaded, faulty.Broken} {
				points = append(points, &faultPoint{CreateRequest: request(shape), call: call, with: with, failures: 1})
			}
		}
	}
	failAt(i, points)
	atOnce(len(points), func(n int) {
		p, err := points[n], error(nil)
		if p.jid, err = i.tryCreate(p.CreateRequest); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	})
	var all []wire.CreateRequest
	for _, p := range points {
		all = append(all, p.CreateRequest)
		if p.failed != 1 {
			t.Errorf("%s: the request failed %d times", p, p.failed)
		}
		if len(p.deletes) > 0 {
			t.Errorf("%s: the pod is deleted", p)
		}
	}
	s.checkWhole(all...)
	s.eventuallyRunning(all...)
	i.link.on(nil)
	atOnce(len(points), func(n int) { i.delete(all[n], points[n].jid) })
	s.eventuallyNothingLeft()
}

// Each request of a create is refused for good. The create fails, and the collector deletes what the pod owned. A delete
// of the pod has its UID: it never deletes another pod of that name.
func TestEachRequestOfACreateFailsForGood(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.start()
	warmUp(i)
	var points []*faultPoint
	for shape, calls := range callsFor(i) {
		for _, call := range calls {
			points = append(points, &faultPoint{CreateRequest: request(shape), call: call, with: faulty.Forbidden, failures: -1})
		}
	}
	retained := s.retained() // of callsFor
	failAt(i, points)
	atOnce(len(points), func(n int) {
		if _, err := i.tryCreate(points[n].CreateRequest); err == nil {
			t.Errorf("%s: the create succeeds", points[n])
		}
	})
	s.eventuallyNothingLeft()
	testkit.Eventually(t, "the claims of pods that were never created are deleted, also those that are to be retained", func() bool { return s.retained() == retained })
	for _, p := range points {
		for _, body := range p.deletes {
			if !bytes.Contains(body, []byte(`"preconditions":{"uid":"`)) {
				t.Errorf("%s: the delete of the pod has no UID: %s", p, body)
			}
		}
	}
}

// Each request of a delete fails, in each way. Nothing is left all the same.
func TestEachRequestOfADeleteFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.start()
	warmUp(i)
	var points []*faultPoint
	for shape := range shapes {
		r := request(shape)
		jid := i.create(r)
		i.link.forget()
		i.delete(r, jid)
		s.eventuallyNothingLeft()
		for _, call := range unique(i.link.seenFor(r)) {
			for _, with := range []faulty.Fault{faulty.Refused, faulty.Lost, faulty.Broken, faulty.Conflict, faulty.Forbidden} {
				points = append(points, &faultPoint{CreateRequest: request(shape), call: call, with: with, failures: 1})
			}
		}
	}
	atOnce(len(points), func(n int) { points[n].jid = i.create(points[n].CreateRequest) })
	failAt(i, points)
	atOnce(len(points), func(n int) { i.delete(points[n].CreateRequest, points[n].jid) })
	s.eventuallyNothingLeft()
	for _, p := range points { // the garbage collector can come first for what the pods own
		if p.failed == 0 && (p.call == "DELETE pods/name" || strings.HasSuffix(p.call, "persistentvolumeclaims/name")) {
			t.Errorf("%s: no request failed", p)
		}
	}
}

// unique returns a sorted list without repetitions.
func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
