package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// newExporter returns what sends spans. It does not connect yet. The options override all that
// the library itself reads from the environment.
func newExporter(s Settings) (sdktrace.SpanExporter, error) {
	client := httpClient(s)
	if s.grpc {
		client = grpcClient(s)
	}
	exporter, err := otlptrace.New(context.Background(), client)
	if err != nil {
		return nil, fmt.Errorf("set up the export of traces: %w", err)
	}
	return exporter, nil
}

func httpClient(s Settings) otlptrace.Client {
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(s.endpoint.String()),
		otlptracehttp.WithHeaders(s.headers), otlptracehttp.WithTimeout(s.timeout),
		otlptracehttp.WithCompression(map[bool]otlptracehttp.Compression{true: otlptracehttp.GzipCompression}[s.gzip]),
	}
	if s.tls != nil {
		options = append(options, otlptracehttp.WithTLSClientConfig(s.tls))
	}
	return otlptracehttp.NewClient(options...)
}

func grpcClient(s Settings) otlptrace.Client {
	security := insecure.NewCredentials()
	if s.tls != nil {
		security = credentials.NewTLS(s.tls)
	}
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpointURL(s.endpoint.String()), otlptracegrpc.WithHeaders(s.headers),
		otlptracegrpc.WithTimeout(s.timeout), otlptracegrpc.WithTLSCredentials(security),
	}
	if s.gzip {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	return otlptracegrpc.NewClient(options...)
}

// loggedExporter logs when the collector begins to take no spans, and when it takes them again.
type loggedExporter struct {
	next    sdktrace.SpanExporter
	log     *slog.Logger
	secrets *strings.Replacer

	mu     sync.Mutex
	ended  bool // nothing is logged any more
	failed bool
	lost   int // since it failed
	other  string
}

// ExportSpans sends spans.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.next.ExportSpans(ctx, spans)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.ended:
	case err != nil && !e.failed:
		e.failed, e.lost = true, len(spans)
		e.log.Warn("the collector does not take the spans of traces: they are lost until it does", "error", e.clean(err))
	case err != nil:
		e.lost += len(spans)
	case e.failed:
		e.log.Info("the collector takes spans again", "lost", e.lost)
		e.failed, e.lost = false, 0
	}
	return nil // it is logged
}

// Shutdown ends the export.
func (e *loggedExporter) Shutdown(ctx context.Context) error { return e.next.Shutdown(ctx) }

// end logs the failure of the last export, if any. Nothing is logged after it: an export that hangs can end later.
func (e *loggedExporter) end(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil && !e.ended {
		e.log.Warn("the last spans of traces may be lost", "error", e.clean(err))
	}
	e.ended = true
}

// handle logs other trouble of the library, such as spans that the collector refuses; the same text
// once.
func (e *loggedExporter) handle(err error) {
	text := e.clean(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	if text != e.other && !e.ended {
		e.other = text
		e.log.Warn("traces", "error", text)
	}
}

// maxText is the longest text of an error in the log, in bytes.
const maxText = 300

// clean returns the text of an error without the address, which may have a path that is a secret, and without the
// headers, which a collector can repeat.
func (e *loggedExporter) clean(err error) string {
	text := err.Error()
	if failed, ok := errors.AsType[*url.Error](err); ok {
		text = failed.Err.Error()
	}
	text = strings.Join(strings.Fields(e.secrets.Replace(text)), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "..."
	}
	return text
}

// secretsOf returns what masks the values of headers in a text; a value such as "Bearer x" also without its first
// word.
func secretsOf(headers map[string]string) *strings.Replacer {
	var pairs []string
	for _, value := range headers {
		pairs = append(pairs, value, "********")
		if _, token, found := strings.Cut(value, " "); found && token != "" {
			pairs = append(pairs, token, "********")
		}
	}
	return strings.NewReplacer(pairs...)
}
