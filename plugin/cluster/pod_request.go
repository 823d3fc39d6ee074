package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

const (
	// minPatience is how old a request must be before it is ended because nothing of its answer
	// arrived during an outage. The age doubles with each one that is ended, up to maxPatience,
	// until a part of a body arrives.
	minPatience = 2 * time.Second
	maxPatience = time.Minute
)

// podRequest is a list, or a watch as long as it is open.
type podRequest struct {
	began time.Time
	// arrived is when something of the answer arrived last.
	arrived time.Time
	// suspected is when the last outage began; watched is true until the request is looked at
	// because of it.
	suspected time.Time
	watched   bool
	end       context.CancelCauseFunc
}

// errSuspect ends a request from which nothing arrived during an outage.
var errSuspect = errdefs.New(errdefs.Unavailable, "no answer before the API server answered others")

// begin notes a request. The context that it returns ends when the request is ended by end, or
// because it is suspect. address is that of the API server.
func (s *podSource) begin(ctx context.Context) (_ context.Context, end context.CancelCauseFunc, address int) {
	ctx, end = context.WithCancelCause(ctx)
	request := &podRequest{began: time.Now(), end: end}
	s.mu.Lock()
	s.current, address = request, s.addresses
	s.mu.Unlock()
	return withProgress(ctx, func(body bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		request.arrived = time.Now()
		if body { // the headers of a watch that hangs can arrive each time
			s.ended = 0
		}
	}), end, address
}

// causeOf returns why a request failed: because it was ended, or else err.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSuspect) {
		return cause
	}
	return err
}

// restart ends the current list or watch if nothing of its answer has arrived since a time,
// when an outage began: it may hang, although the outage has ended. It is sent again at once.
func (s *podSource) restart(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	suspect := s.current
	if suspect == nil {
		return
	}
	suspect.suspected = since
	if suspect.watched {
		return
	}
	suspect.watched = true
	patience := min(minPatience<<min(s.ended, 10), maxPatience)
	time.AfterFunc(patience-time.Since(suspect.began), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		suspect.watched = false
		if s.current == suspect && !suspect.arrived.After(suspect.suspected) {
			s.ended++
			suspect.end(errSuspect)
		}
	})
}

// reopen ends the watch. The informer opens it again.
func (s *podSource) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		s.current.end(nil)
	}
}

// relist lets the informer list the pods again, since the API server has another address: it
// can be another API server, and a watch from a resource version of the last one would miss
// what is different there.
func (s *podSource) relist() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addresses++
	if s.current != nil {
		s.current.end(nil)
	}
}

// hasMoved reports whether the pods were not listed since the API server has its address.
func (s *podSource) hasMoved() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed != s.addresses
}
