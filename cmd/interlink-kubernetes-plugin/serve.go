package main

import (
	"context"
	"io"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// serve runs the plugin until ctx is done; its log goes to out.
func serve(ctx context.Context, invocation *config.ParseResult, client kubernetes.Interface, out io.Writer) error {
	log, closer, err := plugin.NewLogger(invocation.Config, out)
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()
	plugin.RouteClientLogs(log)
	plugin.RouteHelmLogs(log, invocation.Config)
	for _, warning := range invocation.Warnings {
		log.Warn("configuration", "warning", warning)
	}
	tunnels, err := plugin.ConnectTunnels(invocation.Config, version, log)
	if err != nil {
		return err
	}
	p, err := plugin.New(invocation.Config, client, tunnels, version, log)
	if err != nil {
		return err
	}
	log.Info("starting", "version", version, "config", invocation.File,
		"address", invocation.Config.App.SocketAddress, "instance", invocation.Config.App.Instance)
	if err := p.Run(ctx); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}
