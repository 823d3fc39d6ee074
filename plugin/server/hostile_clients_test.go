package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// dial opens a connection to the server, on which a test writes what it likes. A read from it
// fails after a time that is too long for a server that works.
func (run *running) dial(t *testing.T) net.Conn {
	t.Helper()
	connection, err := net.Dial(run.Addr().Network(), run.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetReadDeadline(time.Now().Add(testkit.Timeout)); err != nil {
		t.Fatal(err)
	}
	return connection
}

// stalled are requests whose bodies never arrive whole.
var stalled = map[string]string{
	"a short body":                    "POST /create HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	"a body without a first byte":     "POST /delete HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
	"a long body":                     "POST /create HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{",
	"a body of unknown length":        "GET /status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[    \r\n",
	"an unknown path":                 "POST /unknown HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	"a method that is not allowed":    "PUT /create HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	"a compressed body":               "POST /create HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n{",
	"a body for the documentation":    "GET /docs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	"a body that is announced as big": "POST /create HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{",
	"a caller that waits to continue": "POST /create HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
}

// The server closes the connection of a caller that does not send the whole body.
func TestStalledBodyIsCut(t *testing.T) {
	run := start(t, Options{}, func(s *Server) { s.bodyTimeout = 50 * time.Millisecond })
	for name, request := range stalled {
		t.Run(name, func(t *testing.T) {
			connection := run.dial(t)
			if _, err := io.WriteString(connection, request); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(connection); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				t.Errorf("the connection is still open; the answer is %q", answer)
			}
		})
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// A shutdown waits neither for callers that do not send the rest of a request, nor for callers
// that do not read an answer.
func TestShutdownDoesNotWaitForStalledCallers(t *testing.T) {
	endless := func(context.Context, wire.LogRequest) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat("line\n", 10<<20))), nil
	}
	requests := map[string]string{
		"no byte":            "",
		"half a header":      "POST /create HTTP/1.1\r\nHo",
		"an answer not read": fmt.Sprintf("POST /getLogs HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(goodLogs), goodLogs),
	}
	for name, request := range stalled {
		requests[name] = request
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Without a limit of their own, these requests would end after an hour.
			run := start(t, Options{Lifecycle: &fake{logs: endless}, App: config.App{ShutdownGrace: 2 * time.Second}}, func(s *Server) {
				s.bodyTimeout, s.rollback = time.Hour, time.Hour
			})
			connection := run.dial(t)
			if _, err := io.WriteString(connection, request); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(request, "\r\n\r\n") {
				testkit.Eventually(t, "the request to begin", func() bool { return run.inFlight(t) > 0 || strings.Contains(run.log.String(), "request failed") })
			}
			run.stop()
			if err := testkit.Receive(t, "the end of Serve", run.ended); err != nil {
				t.Errorf("Serve returned %v", err)
			}
		})
	}
}

// inFlight returns the number of requests in flight, as the metric says.
func (run *running) inFlight(t *testing.T) int {
	t.Helper()
	families, err := run.options.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if strings.HasSuffix(family.GetName(), "requests_in_flight") {
			return int(family.GetMetric()[0].GetGauge().GetValue())
		}
	}
	t.Fatal("there is no metric of the requests in flight")
	return 0
}

// Large requests are served a few at a time, small ones beside them.
func TestLargeBodiesTakeTurns(t *testing.T) {
	const size = 40 << 20
	finish := make(chan struct{})
	started := make(chan string, 10)
	run := start(t, Options{Lifecycle: &fake{create: func(ctx context.Context, r *wire.CreateRequest) (wire.CreateResponse, error) {
		started <- r.Pod.Annotations["size"]
		select {
		case <-finish:
		case <-ctx.Done():
		}
		return wire.CreateResponse{PodUID: uid}, ctx.Err()
	}}})
	large := strings.Replace(goodCreate, `"metadata":{`, `"metadata":{"annotations":{"size":"large"},`, 1) + strings.Repeat(" ", size)
	answers := make(chan int, 3)
	post := func(body string) {
		response, err := run.client.Post("http://unix/create", "application/json", strings.NewReader(body))
		if err != nil {
			answers <- 0
			return
		}
		_ = response.Body.Close()
		answers <- response.StatusCode
	}
	go post(large)
	if got := testkit.Receive(t, "the start of the first create", started); got != "large" {
		t.Fatalf("the first create is %q", got)
	}
	go post(large)
	testkit.Eventually(t, "the second create waits", func() bool { return run.largeCreates.waiting.Load() == 1 })
	go post(goodCreate)
	if got := testkit.Receive(t, "the start of a small create", started); got != "" {
		t.Errorf("beside a large create began a create that is %q", got)
	}
	if got := run.send(t, http.MethodPost, "/delete", goodPod+strings.Repeat(" ", size)); got.status != http.StatusOK {
		t.Errorf("a large delete beside large creates is answered %d %s", got.status, got.body)
	}
	close(finish)
	if got := testkit.Receive(t, "the start of the second large create", started); got != "large" {
		t.Errorf("the last create is %q", got)
	}
	for range 3 {
		if got := testkit.Receive(t, "an answer", answers); got != http.StatusOK {
			t.Errorf("an answer is %d", got)
		}
	}
}

// A create without a Content-Length needs room for the largest body only until it has been read.
func TestBodyOfUnknownLengthIsCountedOnceRead(t *testing.T) {
	finish, started := make(chan struct{}), make(chan struct{}, 2)
	run := start(t, Options{Lifecycle: &fake{create: func(context.Context, *wire.CreateRequest) (wire.CreateResponse, error) {
		started <- struct{}{}
		<-finish
		return wire.CreateResponse{PodUID: uid}, nil
	}}}, func(s *Server) { s.bodyTimeout = 5 * time.Second })
	answers := make(chan int, 2)
	for _, body := range []string{goodCreate, goodCreate + strings.Repeat(" ", 1<<20)} {
		go func() {
			response, err := run.client.Post("http://unix/create", "application/json", io.MultiReader(strings.NewReader(body))) // its length is unknown
			if err != nil {
				answers <- 0
				return
			}
			_ = response.Body.Close()
			answers <- response.StatusCode
		}()
		testkit.Receive(t, "the start of a create, beside those that have begun", started)
	}
	if l := run.largeCreates; l.bytes.TryAcquire(l.total) {
		t.Error("a create of 1 MiB has no room of its own")
	} else if !l.bytes.TryAcquire(l.total - 2<<20) {
		t.Error("a create of 1 MiB takes the room of a larger one")
	} else {
		l.bytes.Release(l.total - 2<<20)
	}
	close(finish)
	for range 2 {
		if got := testkit.Receive(t, "an answer", answers); got != http.StatusOK {
			t.Errorf("an answer is %d", got)
		}
	}
}

// late is an error that is to be answered when a test says so.
type late struct{ waits chan struct{} }

func (late) Error() string { return "refused" }
func (l late) Wait()       { <-l.waits }

// A refusal that is answered late keeps no other large create out.
func TestLateRefusalLeavesItsTurn(t *testing.T) {
	refusal := late{make(chan struct{})}
	began := make(chan struct{}, 1)
	run := start(t, Options{Lifecycle: &fake{create: func(_ context.Context, r *wire.CreateRequest) (wire.CreateResponse, error) {
		if r.Pod.Annotations["size"] != "" {
			began <- struct{}{}
			return wire.CreateResponse{}, errdefs.Wrap(errdefs.Refused, refusal)
		}
		return wire.CreateResponse{PodUID: uid}, nil
	}}})
	large := goodCreate + strings.Repeat(" ", 60<<20)
	refused := strings.Replace(large, `"metadata":{`, `"metadata":{"annotations":{"size":"large"},`, 1)
	answer := make(chan int, 1)
	go func() {
		response, err := run.client.Post("http://unix/create", "application/json", strings.NewReader(refused))
		if err != nil {
			answer <- 0
			return
		}
		_ = response.Body.Close()
		answer <- response.StatusCode
	}()
	testkit.Receive(t, "the start of the create", began)
	if got := run.send(t, http.MethodPost, "/create", large); got.status != http.StatusOK {
		t.Errorf("another create is answered %d %s", got.status, got.body)
	}
	select {
	case got := <-answer:
		t.Errorf("the refusal is answered early: %d", got)
	default:
	}
	close(refusal.waits)
	if got := testkit.Receive(t, "the refusal", answer); got != http.StatusForbidden {
		t.Errorf("the refusal is answered %d", got)
	}
}

// A large request whose turn does not come is refused with a word.
func TestLargeBodyThatWaitsTooLong(t *testing.T) {
	lifecycle, started := working(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	run := start(t, Options{Lifecycle: lifecycle, App: config.App{ShutdownGrace: time.Millisecond}}, func(s *Server) { s.bodyTimeout = 5 * time.Second })
	large := goodCreate + strings.Repeat(" ", 60<<20)
	go func() { _, _ = run.client.Post("http://unix/create", "application/json", strings.NewReader(large)) }()
	testkit.Receive(t, "the start of the first create", started)
	run.largeCreates.timeout = time.Millisecond
	got := run.send(t, http.MethodPost, "/create", large)
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "too many large requests") {
		t.Errorf("the answer is %d %s", got.status, got.body)
	}
}

// 1,000 callers that keep idle connections do not keep another one from being served.
func TestIdleConnections(t *testing.T) {
	run := start(t, Options{})
	for range 1000 {
		run.dial(t)
	}
	if got := run.send(t, http.MethodPost, "/create", goodCreate); got.status != http.StatusOK {
		t.Errorf("the answer is %d %s", got.status, got.body)
	}
}
