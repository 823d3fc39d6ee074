package plugin

import (
	"fmt"
	"log/slog"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// Connect returns a client of the configured remote cluster. It reads files and
// sends no request.
func Connect(cfg config.Config, version string) (*kubernetes.Clientset, error) {
	remote, err := cluster.Connect(cfg.K8s, userAgent(version))
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(remote)
	if err != nil {
		return nil, fmt.Errorf("create a client of the remote cluster: %w", err)
	}
	return client, nil
}

// ConnectTunnels returns the TCP tunnels of pods, or nil if they are not enabled. It reads the bastion's chart and sends no request.
func ConnectTunnels(cfg config.Config, version string, log *slog.Logger) (lifecycle.Tunnels, error) {
	if !cfg.TCPTunnel.Enabled {
		return nil, nil
	}
	remote, err := cluster.Connect(cfg.K8s, userAgent(version))
	if err != nil {
		return nil, err
	}
	return tunnel.New(remote, tunnel.Options{TCPTunnel: cfg.TCPTunnel, Log: log})
}

func userAgent(version string) string { return "interlink-kubernetes-plugin/" + version }
