package interruptions

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A crashPoint is a pod, and the request for it at which its plugin crashes.
type crashPoint struct {
	wire.CreateRequest
	n        int    // which request
	carried  bool   // the request is carried out, and its answer is lost
	call     string // the request, when the crash has happened
	requests int
	abandon  context.CancelFunc // ends the call of InterLink
}

func (p *crashPoint) String() string {
	return fmt.Sprintf("%s at request %d (%s, carried out: %v)", p.Pod.Name, p.n, p.call, p.carried)
}

// crashAt lets an instance crash for each pod at its point: InterLink gets no answer, and no request for the pod passes
// any more until the test ends. For the pod, this is like a crash of the process, as long as another instance handles
// it from then on.
func crashAt(i *instance, points []*crashPoint) {
	ended := make(chan struct{})
	i.site.t.Cleanup(func() { close(ended) })
	var mu sync.Mutex
	i.link.on(func(c call) faulty.Fault {
		mu.Lock()
		n := slices.IndexFunc(points, func(p *crashPoint) bool { return c.isFor(p.CreateRequest) })
		if n < 0 {
			mu.Unlock()
			return ""
		}
		p := points[n]
		p.requests++
		passes, carried := p.requests <= p.n, p.requests == p.n+1 && p.carried
		if p.requests == p.n+1 {
			p.call = c.String()
			p.abandon()
		}
		mu.Unlock()
		switch {
		case passes:
			return ""
		case carried:
			return faulty.Lost
		}
		select {
		case <-ended:
		case <-c.client.Done():
		}
		return faulty.Refused
	})
}

// The plugin crashes at each request of a create, before or after the request is carried out. Then another one gets the
// create again, or the delete.
func TestCrashAtEachRequestOfACreate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	crashes := s.start()
	warmUp(crashes)
	var points []*crashPoint
	for shape := range shapes {
		r := named(neverStarted+"counted", shape)
		jid := crashes.create(r)
		count := len(crashes.link.seenFor(r))
		crashes.delete(r, jid)
		for n := range count {
			for k := range 4 { // carried out or not, created again or deleted
				points = append(points, &crashPoint{CreateRequest: request(shape), n: n, carried: k%2 == 0})
			}
		}
	}
	s.eventuallyNothingLeft()
	crashAt(crashes, points)
	atOnce(len(points), func(n int) {
		var ctx context.Context
		ctx, points[n].abandon = context.WithCancel(context.Background())
		defer points[n].abandon()
		if _, _, err := crashes.callUntil(ctx, http.MethodPost, "/create", points[n].CreateRequest); err == nil {
			t.Errorf("%s: the create is answered", points[n])
		}
	})

	next := s.start()
	var again []wire.CreateRequest
	for n, p := range points {
		if n/2%2 == 0 {
			again = append(again, p.CreateRequest)
		}
	}
	jids := next.createAll(again)
	s.checkWhole(again...)
	s.eventuallyRunning(again...)
	s.checkWhole(again...)
	atOnce(len(points), func(n int) {
		if n/2%2 == 1 {
			next.delete(points[n].CreateRequest, "")
		}
	})
	atOnce(len(again), func(n int) { next.delete(again[n], jids[n]) })
	s.eventuallyNothingLeft()
	t.Logf("%d crashes", len(points))
}

// The plugin crashes at each request of a delete, before or after the request is carried out. InterLink sends the delete
// again only if it was not answered: nothing of the pod is left either way.
func TestCrashAtEachRequestOfADelete(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	crashes := s.start()
	warmUp(crashes)
	const most = 8 // requests of a delete
	var points []*crashPoint
	for shape := range shapes {
		for n := range most {
			for k := range 2 {
				points = append(points, &crashPoint{CreateRequest: request(shape), n: n, carried: k == 0})
			}
		}
	}
	var all []wire.CreateRequest
	for _, p := range points {
		all = append(all, p.CreateRequest)
	}
	jids := crashes.createAll(all)
	s.eventuallyRunning(all...)
	crashAt(crashes, points)
	answered := make([]bool, len(points))
	atOnce(len(points), func(n int) {
		var ctx context.Context
		ctx, points[n].abandon = context.WithCancel(context.Background())
		defer points[n].abandon()
		_, _, err := crashes.callUntil(ctx, http.MethodPost, "/delete", withJobID(all[n], jids[n]))
		answered[n] = err == nil && ctx.Err() == nil
	})

	next := s.start()
	repeated := 0
	for n, r := range all {
		if !answered[n] {
			repeated++
			next.delete(r, jids[n])
		}
	}
	// What the pods own is gone. A claim can be left if the crash came between the answer and the end of the work in the
	// background: InterLink does not repeat such a delete, but a repeated one finds the claim.
	claims := s.eventuallyOnlyClaimsLeft()
	atOnce(len(all), func(n int) { next.delete(all[n], jids[n]) })
	s.eventuallyNothingLeft()
	t.Logf("%d deletes, %d of them repeated; %d claims were left for a second delete", len(points), repeated, claims)
	if repeated == 0 {
		t.Error("no delete is interrupted, so the test checks nothing")
	}
}
