package plugin

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/quotawait"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// minFlush is how long the last spans may take after a shutdown that has used up its grace.
const minFlush = time.Second

// StartTraces makes a span for each request, and for each call of the remote API server that belongs to it, if
// the settings turn traces on. [Plugin.Run] sends the last ones. It must be called before Run, and sends nothing
// itself.
func (p *Plugin) StartTraces(settings tracing.Settings, version string, log *slog.Logger) error {
	traces, err := tracing.Start(settings, p.config().App.Name, version, log)
	if err != nil || traces == nil {
		return err
	}
	log.Info("traces", "settings", settings.String())
	p.tracing = traces
	p.server.Trace(traces)
	if p.connection != nil {
		p.connection.Trace(traces)
	}
	return nil
}

// endTraces sends the spans that wait, until the grace ends, but at least for minFlush.
func (p *Plugin) endTraces(grace context.Context) {
	if p.tracing == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(grace))
	defer cancel()
	enough := time.AfterFunc(minFlush, func() { context.AfterFunc(grace, cancel) })
	defer enough.Stop()
	_ = p.tracing.Shutdown(ctx) // it is logged
}

// creator returns what creates the pods that waited for a quota. No request of InterLink asks for these
// creates, so each has a trace of its own.
func (p *Plugin) creator() quotawait.Creator {
	if p.tracing == nil {
		return p.lifecycle
	}
	return tracedCreator{p.lifecycle, p.tracing}
}

type tracedCreator struct {
	quotawait.Creator
	tracing *tracing.Tracing
}

// CreateStored creates a pod.
func (c tracedCreator) CreateStored(ctx context.Context, request *wire.CreateRequest, commit func(context.Context) (bool, error)) error {
	ctx, span := c.tracing.Begin(ctx, "create a pod that waited", trace.SpanKindInternal,
		attribute.String("pod.namespace", request.Pod.Namespace), attribute.String("pod.name", request.Pod.Name),
		attribute.String("pod.uid", string(request.Pod.UID)))
	defer span.End()
	err := c.Creator.CreateStored(ctx, request, commit)
	if err != nil {
		kind := errdefs.KindOf(err)
		span.SetAttributes(attribute.String("error.type", string(kind)))
		if kind != errdefs.OverQuota && kind != errdefs.Canceled { // the pod waits on, or was deleted
			span.SetStatus(codes.Error, "")
		}
	}
	return err
}
