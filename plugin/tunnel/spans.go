package tunnel

import (
	"context"
	"net/http"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// operation is what Helm does with a release.
type operation string

const (
	opInstall   operation = "install"
	opUninstall operation = "uninstall"
	opHistory   operation = "history"
)

// traced runs an operation of Helm within a span, below that of the request, if there is one. The calls that config
// sends meanwhile are below the new span. The span has the kind of an error, not its text, which can quote the chart.
func (t *Tunnels) traced(ctx context.Context, config *configuration, do operation, release string, run func() error) error {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return run()
	}
	ctx, span := tracing.Below(ctx, "helm "+string(do),
		attribute.String("helm.operation", string(do)),
		attribute.String("helm.release.name", release),
		attribute.String("k8s.namespace.name", t.options.BastionNamespace))
	defer span.End()
	before := config.calls.set(ctx)
	defer config.calls.current.Store(before)
	err := run()
	if err != nil {
		span.SetAttributes(attribute.String("error.type", string(kindOf(err))))
		span.SetStatus(codes.Error, "")
	}
	return err
}

// calls puts the calls of one configuration below a span: most of Helm's code has no context. Only the span of the
// request's context counts: the end of the context does not interrupt Helm.
type calls struct{ current atomic.Pointer[trace.Span] }

// newCalls returns calls below the span of a context, if it has one that is recorded.
func newCalls(ctx context.Context) *calls {
	c := &calls{}
	if trace.SpanFromContext(ctx).IsRecording() {
		c.set(ctx)
	}
	return c
}

// set makes the span of a context the current one, and returns that before.
func (c *calls) set(ctx context.Context) (before *trace.Span) {
	span := trace.SpanFromContext(ctx)
	return c.current.Swap(&span)
}

// within returns a context for a call of Helm.
func (c *calls) within(ctx context.Context) context.Context {
	if span := c.current.Load(); span != nil {
		return trace.ContextWithSpan(ctx, *span)
	}
	return ctx
}

// configFor returns the configuration of a client whose calls belong to c. All clients still share their connections.
func (c *calls) configFor(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	if c.current.Load() != nil {
		config.Transport = callsTransport{config.Transport, c}
	}
	return config
}

type callsTransport struct {
	next  http.RoundTripper
	calls *calls
}

// RoundTrip sends a request.
func (t callsTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	return t.next.RoundTrip(request.WithContext(t.calls.within(request.Context())))
}

// tracedCluster gives the clients of one action to Helm.
type tracedCluster struct {
	*helmCluster
	calls *calls
}

// ToRESTConfig implements action.RESTClientGetter.
func (c tracedCluster) ToRESTConfig() (*rest.Config, error) { return c.calls.configFor(c.config), nil }
