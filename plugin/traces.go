package plugin

import (
	"context"
	"log/slog"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// minFlush is how long the last spans may take after a shutdown that has used up its grace.
const minFlush = time.Second

// StartTraces makes a span for each request, if the settings turn traces on. [Plugin.Run] sends the last
// ones. It must be called before Run, and sends nothing itself.
func (p *Plugin) StartTraces(settings tracing.Settings, version string, log *slog.Logger) error {
	traces, err := tracing.Start(settings, p.config.App.Name, version, log)
	if err != nil || traces == nil {
		return err
	}
	log.Info("traces", "settings", settings.String())
	p.tracing = traces
	p.server.Trace(traces)
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
	_ = p.tracing.Shutdown(ctx) // what the collector does not take is logged
}
