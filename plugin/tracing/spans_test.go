package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/collector"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// Without settings there is nothing: no goroutine, and no allocation for a request.
func TestOffCostsNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	traces := start(t, testkit.NewLog(t))
	if traces.Enabled() {
		t.Fatal("there are traces")
	}
	headers, ctx := http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}, t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		ctx, span := traces.Begin(traces.Continue(ctx, headers), "s", trace.SpanKindServer)
		span.End()
		if tracing.ID(ctx) != "" {
			t.Error("there is a trace")
		}
	})
	if allocations != 0 {
		t.Errorf("a request allocates %v times", allocations)
	}
	if err := traces.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines were started", after-before)
	}
}

// Work that goes on after its request was answered is below its span; each run has a span of its own. Without a span of the
// request it is run as it is.
func TestLater(t *testing.T) {
	to := collector.ForTest(t, nil)
	traces := start(t, testkit.NewLog(t), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+to.HTTP)
	ctx, cancel := context.WithCancel(t.Context())
	ctx, span := traces.Begin(ctx, "request", trace.SpanKindServer)
	failure := errors.New("s3cr3t")
	results := []error{failure, nil}
	run := tracing.Later(ctx, "rest", func(ctx context.Context) error {
		_, part := tracing.Below(ctx, "part")
		part.End()
		result := results[0]
		results = results[1:]
		return errors.Join(ctx.Err(), result)
	})
	span.End()
	cancel()
	if err := run(t.Context()); !errors.Is(err, failure) {
		t.Error(err)
	}
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
	plain := tracing.Later(t.Context(), "rest", func(ctx context.Context) error {
		_, part := tracing.Below(ctx, "part")
		part.End()
		return nil
	})
	if err := plain(t.Context()); err != nil {
		t.Error(err)
	}
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	spans := to.Spans() // in the order of their ends
	var names []string
	for _, s := range spans {
		names = append(names, fmt.Sprintf("%s %v", s.Name, s.Failed))
	}
	if want := []string{"request false", "part false", "rest true", "part false", "rest false"}; !slices.Equal(names, want) {
		t.Fatalf("the spans are %q, want %q", names, want)
	}
	if spans[2].ParentID != spans[0].SpanID || spans[4].ParentID != spans[0].SpanID || spans[1].ParentID != spans[2].SpanID || spans[3].TraceID != spans[0].TraceID {
		t.Errorf("got %+v", spans)
	}
	if strings.Contains(to.Text(), "s3cr3t") {
		t.Error("a span has the text of an error")
	}
}

func TestLogger(t *testing.T) {
	log := testkit.NewLog(t)
	ctx := t.Context()
	tracing.Logger(ctx, log.Logger()).Info("plain")
	ctx = tracing.WithSession(ctx, "CreatePod#1")
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	tracing.Logger(inner, log.Logger()).Info("session")
	traces := start(t, testkit.NewLog(t), "OTEL_TRACES_EXPORTER=otlp", "OTEL_TRACES_SAMPLER=always_off")
	defer func() { _ = traces.Shutdown(t.Context()) }()
	inner, _ = traces.Begin(inner, "s", trace.SpanKindServer)
	tracing.Logger(inner, log.Logger()).Info("both")
	text := log.String()
	for _, want := range []string{"session=CreatePod#1", "trace=" + tracing.ID(inner)} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if plain, _, _ := strings.Cut(text, "msg=session"); strings.Contains(plain, "session=") || strings.Contains(plain, "trace=") {
		t.Errorf("a line without a request names one: %s", text)
	}
	if tracing.Session(inner) != "CreatePod#1" || tracing.Session(t.Context()) != "" {
		t.Error("the session is wrong")
	}
}
