package tunnel_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// fault is what becomes of a request.
type fault string

const (
	refused   fault = "connection refused"
	lost      fault = "answer lost"
	broken    fault = "500"
	forbidden fault = "403"
)

// faults is a transport that fails chosen requests.
type faults struct {
	mu     sync.Mutex
	seen   []*http.Request
	choose func(n int, r *http.Request) fault
}

func (f *faults) set(choose func(n int, r *http.Request) fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.choose = nil, choose
}

func (f *faults) requests() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// through is one client's way.
type through struct {
	*faults
	next http.RoundTripper
}

func (f through) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.seen = append(f.seen, r)
	n, chosen := len(f.seen)-1, fault("")
	if f.choose != nil {
		chosen = f.choose(n, r)
	}
	f.mu.Unlock()
	says := func(code int, reason, message string) *http.Response {
		body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":%s,"reason":%q,"code":%d}`, message, reason, code)
		return &http.Response{
			StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}
	}
	say := func(code int, reason string) *http.Response { return says(code, reason, `"injected"`) }
	if message, ok := strings.CutPrefix(string(chosen), "says "); ok {
		return says(http.StatusForbidden, "Forbidden", message), nil
	}
	switch chosen {
	case refused:
		return nil, fmt.Errorf("dial tcp: %w", syscall.ECONNREFUSED)
	case lost:
		if answer, err := f.next.RoundTrip(r); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
		return nil, fmt.Errorf("read tcp: %w", syscall.ECONNRESET)
	case broken:
		return say(http.StatusInternalServerError, "InternalError"), nil
	case forbidden:
		return say(http.StatusForbidden, "Forbidden"), nil
	}
	return f.next.RoundTrip(r)
}
