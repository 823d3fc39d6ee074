package plugin

import (
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
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
