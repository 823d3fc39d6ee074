package tracing

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// sessionContext is a context of a request with the session that InterLink gave it.
type sessionContext struct {
	context.Context
	session string
}

type sessionKey struct{}

// Value returns a value of the context.
func (c *sessionContext) Value(key any) any {
	if key == (sessionKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// WithSession returns a context with InterLink's session (docs/contract.md, HTTP-4), which must be
// one short line.
func WithSession(ctx context.Context, session string) context.Context {
	if session == "" {
		return ctx
	}
	return &sessionContext{ctx, session}
}

// Session returns the session of a context, or an empty text.
func Session(ctx context.Context) string {
	if c, ok := ctx.Value(sessionKey{}).(*sessionContext); ok {
		return c.session
	}
	return ""
}

// ID returns the ID of the trace of a context in hexadecimal digits, or an empty text. A trace that is
// not sampled has an ID, too, which the caller of a request may know.
func ID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}

// Logger returns a logger whose lines name the session and the trace of a context.
func Logger(ctx context.Context, log *slog.Logger) *slog.Logger {
	var attributes []any
	if session := Session(ctx); session != "" {
		attributes = append(attributes, "session", session)
	}
	if id := ID(ctx); id != "" {
		attributes = append(attributes, "trace", id)
	}
	if len(attributes) == 0 {
		return log
	}
	return log.With(attributes...)
}
