package tunnel_test

import (
	"net/http"
	"slices"
	"sync"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
)

type fault = faulty.Fault

const (
	refused   = faulty.Refused
	lost      = faulty.Lost
	broken    = faulty.Broken
	forbidden = faulty.Forbidden
)

// faults lets chosen requests fail. Several clients can use it.
type faults struct {
	mu   sync.Mutex
	seen []*http.Request
	// choose returns the fault of the n-th request; "" for none.
	choose func(n int, r *http.Request) fault
}

// set replaces choose and forgets the requests so far.
func (f *faults) set(choose func(n int, r *http.Request) fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.choose = nil, choose
}

// requests returns the requests since set.
func (f *faults) requests() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// faultTransport is the transport of one client.
type faultTransport struct {
	*faults
	next http.RoundTripper
}

func (f faultTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.seen = append(f.seen, r)
	n, chosen := len(f.seen)-1, fault("")
	if f.choose != nil {
		chosen = f.choose(n, r)
	}
	f.mu.Unlock()
	return chosen.RoundTrip(f.next, r)
}
