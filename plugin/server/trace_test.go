package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/collector"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// traced returns a collector, and what sends traces to it.
func traced(t *testing.T, environ ...string) (*collector.Collector, *tracing.Tracing) {
	t.Helper()
	to := collector.ForTest(t, nil)
	settings, err := tracing.Read(append(environ, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+to.HTTP))
	if err != nil {
		t.Fatal(err)
	}
	traces, err := tracing.Start(settings, "plugin", "test", testkit.NewLog(t).Logger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = traces.Shutdown(context.Background()) })
	return to, traces
}

// Each request has one span, which says what the request is about and how it ended, with InterLink's names of
// attributes, and holds neither the body nor the text of an error.
func TestEachRequestHasASpan(t *testing.T) {
	pod := map[string]string{"pod.namespace": "demo", "pod.name": "plain", "pod.uid": uid}
	with := func(more map[string]string, pairs ...string) map[string]string {
		all := maps.Clone(more)
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		return all
	}
	none := map[string]string{}
	for name, test := range map[string]struct {
		method, path, body string
		lifecycle          *fake
		want               string // the name
		attributes         map[string]string
		failed             bool
	}{
		"create": {method: "POST", path: "/create", body: goodCreate, want: "POST /create", attributes: with(pod, "http.response.status_code", "200")},
		"delete": {method: "POST", path: "/delete", body: goodPod, want: "POST /delete", attributes: with(pod, "http.response.status_code", "200")},
		"status": {method: "GET", path: "/status", body: goodStatus, want: "GET /status", attributes: with(pod, "http.response.status_code", "200")},
		"status of several pods": {method: "GET", path: "/status", body: "[" + goodPod + "," + goodPod + "]", want: "GET /status",
			attributes: with(none, "interlink.pods", "2", "http.response.status_code", "200")},
		"ping": {method: "GET", path: "/status", body: "[]", want: "GET /status", attributes: with(none, "interlink.pods", "0", "http.response.status_code", "200")},
		"logs": {method: "GET", path: "/getLogs", body: goodLogs, want: "GET /getLogs", attributes: with(pod, "http.response.status_code", "200")},
		"not valid": {method: "POST", path: "/create", body: `{"pod":{"metadata":{"name":"s3cr3t!"}}}`, want: "POST /create",
			attributes: with(none, "pod.namespace", "", "pod.name", "s3cr3t!", "pod.uid", "", "http.response.status_code", "422", "error.type", "invalid")},
		"unknown path and method": {method: "BREW", path: "/s3cr3t", want: "_OTHER other",
			attributes: with(none, "http.response.status_code", "404", "error.type", "not found")},
		"unknown method": {method: "BREW", path: "/create", want: "_OTHER /create", attributes: with(none, "http.response.status_code", "405", "error.type", "invalid")},
		"refused": {method: "POST", path: "/create", body: goodCreate, want: "POST /create",
			lifecycle: &fake{create: func(context.Context, *wire.CreateRequest) (wire.CreateResponse, error) {
				return wire.CreateResponse{}, errdefs.New(errdefs.Refused, "s3cr3t")
			}}, attributes: with(pod, "http.response.status_code", "403", "error.type", "refused")},
		"a fault": {method: "POST", path: "/delete", body: goodPod, want: "POST /delete",
			lifecycle:  &fake{remove: func(context.Context, *corev1.Pod) error { panic("s3cr3t") }},
			attributes: with(pod, "http.response.status_code", "500", "error.type", "internal"), failed: true},
		"a log that breaks off": {method: "GET", path: "/getLogs", body: goodLogs, want: "GET /getLogs",
			lifecycle: &fake{logs: func(context.Context, wire.LogRequest) (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader("a line"), logThatBreaks{})), nil
			}}, attributes: with(pod, "http.response.status_code", "200", "error.type", "unavailable"), failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			to, traces := traced(t)
			log := testkit.NewLog(t)
			server := newServer(t, Options{Lifecycle: cmp.Or(test.lifecycle, new(fake)), Logger: log.Logger()})
			server.Trace(traces)
			request := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			request.Header.Set(wire.SessionHeader, "Session#7")
			request.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
			func() {
				defer func() { _ = recover() }() // the connection is cut
				server.Handler().ServeHTTP(httptest.NewRecorder(), request)
			}()
			if err := traces.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			spans := to.Spans()
			if len(spans) != 1 {
				t.Fatalf("there are %d spans", len(spans))
			}
			got := spans[0]
			method, route, _ := strings.Cut(test.want, " ")
			want := with(test.attributes, "http.request.method", method, "http.route", route, "interlink.session", "Session#7")
			if got.Name != test.want || got.Kind != "SPAN_KIND_SERVER" || got.Failed != test.failed || !maps.Equal(got.Attributes, want) {
				t.Errorf("got %+v\nwant attributes %v", got, want)
			}
			if got.TraceID != "0af7651916cd43dd8448eb211c80319c" || got.ParentID != "b7ad6b7169203331" {
				t.Errorf("the caller's trace is not continued: %+v", got)
			}
			if name != "not valid" && strings.Contains(to.Text(), "s3cr3t") {
				t.Errorf("the span has a text that is not the plugin's:\n%s", to.Text())
			}
			if !strings.Contains(log.String(), "session=Session#7 trace="+got.TraceID) {
				t.Errorf("the log names neither the session nor the trace:\n%s", log)
			}
		})
	}
}

type logThatBreaks struct{}

func (logThatBreaks) Read([]byte) (int, error) {
	return 0, errdefs.Wrap(errdefs.Unavailable, errors.New("s3cr3t"))
}

// The lifecycle gets the session and the span of its request. Without traces it gets the session.
func TestTheLifecycleKnowsTheRequest(t *testing.T) {
	for _, on := range []bool{false, true} {
		var session, trace string
		server := newServer(t, Options{Lifecycle: &fake{status: func(ctx context.Context, _ []corev1.Pod) ([]wire.PodStatus, error) {
			session, trace = tracing.Session(ctx), tracing.ID(ctx)
			return nil, nil
		}}})
		if on {
			_, traces := traced(t)
			server.Trace(traces)
		}
		request := httptest.NewRequest(http.MethodGet, "/status", strings.NewReader(goodStatus))
		request.Header.Set(wire.SessionHeader, "GetStatus#1")
		server.Handler().ServeHTTP(httptest.NewRecorder(), request)
		if session != "GetStatus#1" || (trace != "") != on {
			t.Errorf("with traces %v: session %q, trace %q", on, session, trace)
		}
	}
}

// A caller that goes away while it follows a log is no failure.
func TestACallerThatLeavesIsNoFailure(t *testing.T) {
	to, traces := traced(t)
	opened := make(chan struct{})
	lifecycle := &fake{logs: func(ctx context.Context, _ wire.LogRequest) (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		context.AfterFunc(ctx, func() { _ = writer.Close() })
		close(opened)
		return reader, nil
	}}
	run := start(t, Options{Lifecycle: lifecycle}, func(s *Server) { s.Trace(traces) })
	ctx, leave := context.WithCancel(t.Context())
	response := run.open(t, ctx, "GET", "/getLogs", strings.NewReader(followLogs))
	_ = testkit.Receive(t, "the log is opened", opened)
	leave()
	_ = response.Body.Close()
	testkit.Eventually(t, "the request has ended", func() bool { return strings.Contains(run.log.String(), "path=/getLogs") })
	run.stop()
	_ = testkit.Receive(t, "the end of the server", run.ended)
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if spans := to.Spans(); len(spans) != 1 || spans[0].Failed || spans[0].Attributes["error.type"] != "canceled" {
		t.Errorf("got %+v", spans)
	}
}
