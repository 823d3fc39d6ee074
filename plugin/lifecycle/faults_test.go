package lifecycle_test

import (
	"net/http"
	"strings"
	"sync"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
)

type fault = faulty.Fault

const (
	refused    = faulty.Refused
	lost       = faulty.Lost
	overloaded = faulty.Overloaded
	broken     = faulty.Broken
	forbidden  = faulty.Forbidden
	// hangs means that the API server does not answer.
	hangs fault = "hangs"
)

// faults is a transport that fails chosen requests. The requests of the pod cache
// never fail: the cache has its own tests.
type faults struct {
	next http.RoundTripper

	mu    sync.Mutex
	calls []string
	// choose returns the fault of the n-th request, such as "POST pods"; "" for none.
	choose func(n int, call string) fault
	// before is called before each request is sent, without the lock.
	before func(call string)
}

// set replaces choose and forgets the requests so far.
func (f *faults) set(choose func(n int, call string) fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.choose = nil, choose
}

// onCall sets a function that is called before each request.
func (f *faults) onCall(before func(call string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

// seen returns the requests since set.
func (f *faults) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *faults) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "/namespaces") { // the pod cache
		return f.next.RoundTrip(r)
	}
	call := describeCall(r)
	f.mu.Lock()
	f.calls = append(f.calls, call)
	var chosen fault
	if f.choose != nil {
		chosen = f.choose(len(f.calls)-1, call)
	}
	before := f.before
	f.mu.Unlock()
	if before != nil {
		before(call)
	}
	if chosen == hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return chosen.RoundTrip(f.next, r)
}

// describeCall returns the method and the resource of a request: "POST pods", "DELETE
// secrets" (a collection), "DELETE secrets/name" (one object).
func describeCall(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "apis" {
		parts = parts[1:]
	}
	switch {
	case len(parts) > 5: // api v1 namespaces NS RESOURCE NAME
		return r.Method + " " + parts[4] + "/name"
	case len(parts) == 5:
		return r.Method + " " + parts[4]
	case len(parts) == 4:
		return r.Method + " namespaces/name"
	}
	return r.Method + " namespaces"
}
