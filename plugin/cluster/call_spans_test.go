package cluster

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/collector"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

func startTraces(t *testing.T) (*collector.Collector, *tracing.Tracing) {
	t.Helper()
	to := collector.ForTest(t, nil)
	settings, err := tracing.Read([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + to.HTTP})
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

// brokenBody is a body that breaks off.
type brokenBody struct{ io.Reader }

func (brokenBody) Close() error { return nil }

// A call within a trace has a span, which says what it is about and how it ended, and nothing that the call
// contains: no query, and no text of an error.
func TestSpansOfCalls(t *testing.T) {
	answer := func(code int, text string) roundTripper {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
		}
	}
	for _, test := range []struct {
		method, url, created string
		next                 roundTripper
		name                 string
		attributes           map[string]string
		failed               bool
	}{
		{method: "POST", url: "/api/v1/namespaces/n/pods?s3cr3t=1", created: "p", next: answer(201, "s3cr3t"), name: "create pods", attributes: map[string]string{
			"k8s.verb": "create", "k8s.resource": "pods", "k8s.namespace.name": "n", "k8s.object.name": "p", "http.response.status_code": "201"}},
		{method: "GET", url: "/api/v1/namespaces/n/pods/p/log?container=c", next: answer(200, "s3cr3t"), name: "get pods/log", attributes: map[string]string{
			"k8s.verb": "get", "k8s.resource": "pods/log", "k8s.namespace.name": "n", "k8s.object.name": "p", "http.response.status_code": "200"}},
		{method: "GET", url: "/apis/apps/v1/deployments?labelSelector=s3cr3t", next: answer(200, ""), name: "list deployments", attributes: map[string]string{
			"k8s.verb": "list", "k8s.resource": "deployments", "http.response.status_code": "200"}},
		{method: "DELETE", url: "/api/v1/namespaces/n/secrets", next: answer(403, "s3cr3t"), name: "deletecollection secrets", failed: true, attributes: map[string]string{
			"k8s.verb": "deletecollection", "k8s.resource": "secrets", "k8s.namespace.name": "n", "http.response.status_code": "403"}},
		{method: "GET", url: "/version", next: answer(200, ""), name: "get", attributes: map[string]string{"k8s.verb": "get", "http.response.status_code": "200"}},
		{method: "PATCH", url: "/api/v1/namespaces/n/pods/p", name: "patch pods", failed: true,
			next: func(*http.Request) (*http.Response, error) {
				return nil, errdefs.New(errdefs.Unavailable, "s3cr3t")
			},
			attributes: map[string]string{"k8s.verb": "patch", "k8s.resource": "pods", "k8s.namespace.name": "n", "k8s.object.name": "p", "error.type": "unavailable"}},
		{method: "GET", url: "/api/v1/namespaces/n/pods/p", name: "get pods", failed: true,
			next: func(*http.Request) (*http.Response, error) {
				broken := errdefs.New(errdefs.Unavailable, "s3cr3t")
				return &http.Response{StatusCode: 200, Body: brokenBody{io.MultiReader(strings.NewReader("half"), errorReader{broken})}}, nil
			},
			attributes: map[string]string{"k8s.verb": "get", "k8s.resource": "pods", "k8s.namespace.name": "n", "k8s.object.name": "p", "http.response.status_code": "200", "error.type": "unavailable"}},
	} {
		t.Run(test.method+" "+test.url, func(t *testing.T) {
			to, traces := startTraces(t)
			var pointer atomic.Pointer[tracing.Tracing]
			pointer.Store(traces)
			ctx, parent := traces.Begin(t.Context(), "parent", trace.SpanKindServer)
			request := httptest.NewRequest(test.method, test.url, nil).WithContext(ctx)
			if test.created != "" {
				request = request.WithContext(withName(ctx, test.created))
			}
			response, err := targetTransport{next: spanTransport{next: test.next, tracing: &pointer}}.RoundTrip(request)
			if err == nil {
				_, _ = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			parent.End()
			if err := traces.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			spans := to.Spans()
			if len(spans) != 2 {
				t.Fatalf("got %+v", spans)
			}
			test.attributes["http.request.method"] = test.method
			got := spans[0]
			if got.Name != test.name || got.Failed != test.failed || got.Kind != "SPAN_KIND_CLIENT" || got.ParentID != spans[1].SpanID || !maps.Equal(got.Attributes, test.attributes) {
				t.Errorf("got  %+v\nwant %s %v", got, test.name, test.attributes)
			}
			if strings.Contains(to.Text(), "s3cr3t") {
				t.Errorf("a span has what the call contains: %s", to.Text())
			}
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// Without traces, or outside of a trace, a call costs and shows nothing.
func TestNoSpanOfACall(t *testing.T) {
	to, traces := startTraces(t)
	var pointer atomic.Pointer[tracing.Tracing]
	failure := errors.New("no answer")
	transport := spanTransport{next: roundTripper(func(*http.Request) (*http.Response, error) { return nil, failure }), tracing: &pointer}
	request := httptest.NewRequest(http.MethodGet, "/api/v1/pods", nil)
	call := func() {
		if _, err := transport.RoundTrip(request); !errors.Is(err, failure) {
			t.Error(err)
		}
		withName(request.Context(), "name")
	}
	if n := testing.AllocsPerRun(100, call); n != 0 {
		t.Errorf("without traces, a call allocates %v times more", n)
	}
	pointer.Store(traces)
	call()
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if spans := to.Spans(); len(spans) != 0 {
		t.Errorf("there are spans: %+v", spans)
	}
}
