package lifecycle_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
)

// fault is what becomes of one call to the remote API server.
type fault string

const (
	// refused: the API server cannot be reached, nothing was done.
	refused fault = "connection refused"
	// lost: it was done, but the answer never came.
	lost fault = "answer lost"
	// overloaded and broken: the API server says so.
	overloaded fault = "429"
	broken     fault = "500"
	// forbidden will not pass.
	forbidden fault = "403"
)

// faults is a transport that fails chosen calls. Watches and the lists of the
// pod cache always pass: the cache has tests of its own.
type faults struct {
	next http.RoundTripper

	mu    sync.Mutex
	calls []string
	// choose returns the fault of the n-th call ("POST pods"), or "" for none.
	choose func(n int, call string) fault
	// before is called, unlocked, before each call that is sent.
	before func(call string)
}

// set replaces the rule and starts counting anew.
func (f *faults) set(choose func(n int, call string) fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.choose = nil, choose
}

func (f *faults) onCall(before func(call string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

// seen returns the calls since set.
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
	switch chosen {
	case refused:
		return nil, fmt.Errorf("dial tcp: %w", syscall.ECONNREFUSED)
	case lost:
		answer, err := f.next.RoundTrip(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
		return nil, fmt.Errorf("read tcp: %w", syscall.ECONNRESET)
	case overloaded:
		return say(r, http.StatusTooManyRequests, "TooManyRequests"), nil
	case broken:
		return say(r, http.StatusInternalServerError, "InternalError"), nil
	case forbidden:
		return say(r, http.StatusForbidden, "Forbidden"), nil
	}
	return f.next.RoundTrip(r)
}

// describeCall names a call by its verb and resource: "POST pods",
// "DELETE secrets" (a collection), "DELETE secrets/name" (one).
func describeCall(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
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

func say(r *http.Request, code int, reason string) *http.Response {
	body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"injected","reason":%q,"code":%d}`, reason, code)
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(bytes.NewBufferString(body)), Request: r,
	}
}
