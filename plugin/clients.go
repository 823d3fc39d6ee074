package plugin

import (
	"log/slog"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// Client is a client of the remote cluster.
type Client = cluster.Client

// Connect returns a client of the configured remote cluster. It reads files and
// sends no request.
func Connect(cfg config.Config, version string) (*Client, error) {
	return cluster.Connect(cfg.K8s, "interlink-kubernetes-plugin/"+version)
}

// ConnectTunnels returns the TCP tunnels of pods, or nil if they are not enabled. They use the
// connection of client. It reads the bastion's chart and sends no request.
func ConnectTunnels(cfg config.Config, client *Client, log *slog.Logger) (lifecycle.Tunnels, error) {
	if !cfg.TCPTunnel.Enabled {
		return nil, nil
	}
	return tunnel.New(client.Connection.Config(), tunnel.Options{TCPTunnel: cfg.TCPTunnel, Log: log})
}
