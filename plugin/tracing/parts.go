package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Below begins a span below the one of a context, for a part of a request. It does nothing if the context has no span. The
// caller ends it.
func Below(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(scopeName).Start(ctx, name, trace.WithAttributes(attributes...))
}

// Later returns work that goes on after its request was answered: each run is a span below the one of the request. It
// returns run itself if the request has no span.
func Later(request context.Context, name string, run func(context.Context) error) func(context.Context) error {
	above := trace.SpanFromContext(request)
	if !above.IsRecording() {
		return run
	}
	return func(ctx context.Context) error {
		ctx, span := Below(trace.ContextWithSpan(ctx, above), name)
		defer span.End()
		err := run(ctx)
		if err != nil {
			span.SetStatus(codes.Error, "") // the text is in the log
		}
		return err
	}
}
