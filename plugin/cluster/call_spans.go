package cluster

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// spanTransport makes a span for each call of the API server that belongs to a trace: one for each
// try, until its answer is read. Calls in the background, such as the watch, belong to none. A span says what the
// call is about, and never what it contains.
type spanTransport struct {
	next    http.RoundTripper
	tracing *atomic.Pointer[tracing.Tracing]
}

// Trace makes a span for each call of the remote API server that belongs to a trace.
func (c *Connection) Trace(t *tracing.Tracing) { c.tracing.Store(t) }

// RoundTrip sends a request.
func (t spanTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	traces := t.tracing.Load()
	if traces == nil || !trace.SpanFromContext(request.Context()).IsRecording() {
		return t.next.RoundTrip(request)
	}
	about := targetOf(request)
	if created, ok := request.Context().Value(nameKey{}).(string); ok && about.name == "" {
		about.name = created
	}
	name := verbOf(request.Method, about)
	attributes := []attribute.KeyValue{attribute.String("k8s.verb", name), attribute.String("http.request.method", request.Method)}
	for _, a := range []struct{ name, value string }{
		{"k8s.resource", about.whole()}, {"k8s.namespace.name", about.namespace}, {"k8s.object.name", about.name},
	} {
		if a.value != "" {
			attributes = append(attributes, attribute.String(a.name, a.value))
		}
	}
	if about.resource != "" {
		name += " " + about.whole()
	}
	ctx, span := traces.Begin(request.Context(), name, trace.SpanKindClient, attributes...)
	response, err := t.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		failSpan(span, err)
		span.End()
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
	if response.StatusCode >= http.StatusBadRequest {
		span.SetStatus(codes.Error, "")
	}
	response.Body = &spanBody{ReadCloser: response.Body, span: span}
	return response, nil
}

// failSpan notes the kind of an error, not its text, which can quote an answer.
func failSpan(span trace.Span, err error) {
	span.SetAttributes(attribute.String("error.type", string(kube.Kind(err))))
	span.SetStatus(codes.Error, "")
}

// spanBody is a body whose end ends a span.
type spanBody struct {
	io.ReadCloser
	span trace.Span
	once sync.Once
}

// Read reads a part of the body.
func (b *spanBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.once.Do(func() {
			if err != io.EOF { //nolint:errorlint // io.Reader returns io.EOF itself
				failSpan(b.span, err)
			}
			b.span.End()
		})
	}
	return n, err
}

// Close ends the request.
func (b *spanBody) Close() error {
	defer b.once.Do(func() { b.span.End() })
	return b.ReadCloser.Close()
}

// whole returns the resource with its subresource.
func (t target) whole() string {
	if t.subresource == "" {
		return t.resource
	}
	return t.resource + "/" + t.subresource
}

// nameKey is the key, in the context of a create, of the name of its object, which its URL does not have.
type nameKey struct{}

// withName returns a context for the create of an object, if it belongs to a trace.
func withName(ctx context.Context, name string) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return context.WithValue(ctx, nameKey{}, name)
}
