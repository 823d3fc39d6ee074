package server

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// Trace makes a span for each request. It must be called before [Server.Serve].
func (s *Server) Trace(t *tracing.Tracing) { s.tracing = t }

// beginSpan begins the span of a request. Its name is that of the route, since callers can invent any
// number of other paths and methods.
func (s *Server) beginSpan(r *http.Request, session string) (*http.Request, trace.Span) {
	label, method := "other", "_OTHER"
	if known, ok := s.routes[r.URL.Path]; ok {
		label = r.URL.Path
		for _, m := range known.methods {
			if m == r.Method {
				method = m
			}
		}
	}
	attributes := []attribute.KeyValue{attribute.String("http.request.method", method), attribute.String("http.route", label)}
	if session != "" {
		attributes = append(attributes, attribute.String("interlink.session", session))
	}
	ctx, span := s.tracing.Begin(s.tracing.Continue(r.Context(), r.Header), method+" "+label, trace.SpanKindServer, attributes...)
	return r.WithContext(ctx), span
}

// endSpan ends the span of a request. It has the kind of an error, never its text, which can quote what a
// user wrote. The names of a pod's attributes are those of InterLink's own spans.
func endSpan(span trace.Span, code int, info requestInfo, err error) {
	if !span.IsRecording() {
		span.End()
		return
	}
	if code != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", code))
	}
	switch {
	case info.name != "" || info.uid != "":
		span.SetAttributes(
			attribute.String("pod.namespace", oneLine(info.namespace, 63)),
			attribute.String("pod.name", oneLine(info.name, 253)),
			attribute.String("pod.uid", oneLine(info.uid, 63)))
	case info.listed:
		span.SetAttributes(attribute.Int("interlink.pods", info.pods)) // 0 for a ping
	}
	if err != nil {
		kind := errdefs.KindOf(err)
		span.SetAttributes(attribute.String("error.type", string(kind)))
		cut := code < http.StatusBadRequest && kind != errdefs.Canceled
		if cut || code >= http.StatusInternalServerError { // an error of the caller is none of the server's
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}

// context returns the context of a request for the lifecycle, whose log lines name the session.
func (i *requestInfo) context(ctx context.Context) context.Context {
	return tracing.WithSession(ctx, i.session)
}
