package main

import (
	"context"
	"io"
	"os"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// serve runs the plugin until ctx is done. It writes the log to out. read reads the configuration again, after a signal
// in reloads, too.
func serve(ctx context.Context, parsed *config.ParseResult, read func() (*config.ParseResult, error), reloads <-chan os.Signal, traces tracing.Settings, client *plugin.Client, out io.Writer) error {
	log, level, closer, err := plugin.NewLogger(parsed.Config, out)
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()
	plugin.RouteClientLogs(log)
	plugin.RouteHelmLogs(log, parsed.Config)
	for _, warning := range parsed.Warnings {
		log.Warn("configuration", "warning", warning)
	}
	tunnels, err := plugin.ConnectTunnels(parsed.Config, client, log)
	if err != nil {
		return invalid(err)
	}
	p, err := plugin.New(parsed.Config, client, tunnels, version, log)
	if err != nil {
		return err
	}
	if err := p.StartTraces(traces, version, log); err != nil {
		return err
	}
	p.ShowSettings(parsed)
	p.Reload(plugin.Reloading{Read: read, Started: parsed, Signals: reloads, Level: level}, log)
	log.Info("starting", "version", version, "config", parsed.File,
		"address", parsed.Config.App.SocketAddress, "instance", parsed.Config.App.Instance)
	if err := p.Run(ctx); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}
