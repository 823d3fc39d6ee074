package plugin

import (
	"fmt"
	"log/slog"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// Connect returns a client for the configured remote cluster. It reads files and
// talks to nobody.
func Connect(cfg config.Config, version string) (*kubernetes.Clientset, error) {
	rc, err := remote(cfg, version)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return nil, fmt.Errorf("make a client for the remote cluster: %w", err)
	}
	return client, nil
}

// ConnectTunnels returns what makes the TCP tunnels of pods, or nil where these are
// not configured. It reads the bastion's chart and talks to nobody.
func ConnectTunnels(cfg config.Config, version string, log *slog.Logger) (lifecycle.Tunnels, error) {
	t := cfg.TCPTunnel
	if !t.Enabled {
		return nil, nil
	}
	rc, err := remote(cfg, version)
	if err != nil {
		return nil, err
	}
	return tunnel.New(rc, tunnel.Options{
		BastionNamespace: t.BastionNamespace,
		ChartPath:        t.BastionChartPath,
		GatewayHost:      t.GatewayHost,
		GatewayPort:      t.GatewayPort,
		GatewayUser:      t.GatewayUser,
		HostKey:          t.GatewaySSHHostKey,
		PrivateKey:       t.GatewaySSHPrivateKey.Reveal(),
		Image:            t.BastionImage,
		Log:              log,
	})
}

func remote(cfg config.Config, version string) (*rest.Config, error) {
	credentials := cluster.Credentials{
		KubeconfigPath:     cfg.K8s.KubeconfigPath,
		KubeconfigOptional: !cfg.K8s.KubeconfigPathGiven,
		Kubeconfig:         cfg.K8s.Kubeconfig.Reveal(),
		Context:            cfg.K8s.Context,
		QPS:                cfg.K8s.QPS,
		Burst:              cfg.K8s.Burst,
		UserAgent:          "interlink-kubernetes-plugin/" + version,
	}
	if c := cfg.K8s.ClientConfiguration; c != nil {
		credentials.Overrides = cluster.Overrides{
			VerifySSL: c.VerifySSL, SSLCACert: c.SSLCACert, CertFile: c.CertFile, KeyFile: c.KeyFile,
			Proxy: c.Proxy.Reveal(), Host: c.Host,
		}
	}
	return cluster.Connect(credentials)
}
