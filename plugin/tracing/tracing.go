package tracing

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Tracing makes spans and sends them to a collector. A nil Tracing makes none; its methods may be
// called.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	exporter *loggedExporter
	newOnly  bool
}

// scopeName is the instrumentation scope of all spans.
const scopeName = "github.com/interlink-hq/interlink-kubernetes-plugin"

// Start returns the tracing of these settings, or nil if there are no traces. It sends
// nothing yet, and does not wait for the collector. service is the name of the service where the
// settings have none. What the collector does not take is logged, and lost.
func Start(s Settings, service, version string, log *slog.Logger) (*Tracing, error) {
	if !s.enabled {
		return nil, nil
	}
	exporter, err := newExporter(s)
	if err != nil {
		return nil, err
	}
	logged := &loggedExporter{next: exporter, log: log, secrets: secretsOf(s.headers)}
	// Some failures reach this handler only, which is one for the process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(logged.handle))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(samplerOf(s)),
		sdktrace.WithResource(resourceOf(s, service, version)),
		sdktrace.WithBatcher(logged,
			sdktrace.WithBatchTimeout(s.batchDelay), sdktrace.WithExportTimeout(s.batchTimeout),
			sdktrace.WithMaxQueueSize(s.queueSize), sdktrace.WithMaxExportBatchSize(s.batchSize)),
	)
	return &Tracing{provider: provider, exporter: logged, tracer: provider.Tracer(scopeName, trace.WithInstrumentationVersion(version)), newOnly: s.newOnly}, nil
}

// Shutdown sends the spans that wait, until ctx is done, and ends. It logs what it returns.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	err := t.provider.Shutdown(ctx)
	t.exporter.end(err)
	return err
}

// Enabled reports whether there are traces.
func (t *Tracing) Enabled() bool { return t != nil }

// Continue returns a context with the trace of the caller of a request, if its headers name one
// (https://www.w3.org/TR/trace-context/).
func (t *Tracing) Continue(ctx context.Context, headers http.Header) context.Context {
	if t == nil || t.newOnly {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(headers))
}

// Begin begins a span. The context holds it. The caller ends it.
func (t *Tracing) Begin(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if t == nil {
		return ctx, noop.Span{}
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

func samplerOf(s Settings) sdktrace.Sampler {
	ofRoots := sdktrace.AlwaysSample()
	switch s.sampler {
	case "always_off", "parentbased_always_off":
		ofRoots = sdktrace.NeverSample()
	case "traceidratio", "parentbased_traceidratio":
		ofRoots = sdktrace.TraceIDRatioBased(s.ratio)
	}
	switch s.sampler {
	case "always_on", "always_off", "traceidratio":
		return ofRoots
	}
	return sdktrace.ParentBased(ofRoots)
}

// resourceOf returns what each span says about the plugin. Each start of the program is an instance
// of its own.
func resourceOf(s Settings, service, version string) *resource.Resource {
	if s.service != "" {
		service = s.service
	}
	if s.uniqueID != "" {
		service += "-" + s.uniqueID
	}
	values := map[string]string{
		"service.name": service, "service.version": version, "service.instance.id": uuid.NewString(),
		"telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "go", "telemetry.sdk.version": otel.Version(),
	}
	for name, value := range s.attributes {
		values[name] = value
	}
	var attributes []attribute.KeyValue
	for name, value := range values {
		attributes = append(attributes, attribute.String(name, value))
	}
	return resource.NewSchemaless(attributes...)
}
