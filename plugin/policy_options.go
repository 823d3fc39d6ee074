package plugin

import (
	"os"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
)

// PolicyOptions returns the options of package policy.
func PolicyOptions(cfg config.Config) policy.Options {
	return policy.Options{
		PodSecurity: cfg.Offloading.PodSecurity,
		Namespaces:  cfg.Offloading.Namespaces,
		DaemonSets:  cfg.Offloading.DaemonSets,
		Reserved:    reservedNamespaces(cfg),
	}
}

// reservedNamespaces returns the remote namespaces of the plugin itself. In single-namespace
// mode the site has chosen the only namespace, for everything.
func reservedNamespaces(cfg config.Config) []string {
	if cfg.Offloading.Namespace != "" {
		return nil
	}
	reserved := []string{config.AccountNamespace, cfg.LeaseNamespace()}
	// A plugin in a pod of the remote cluster is in a namespace that holds its credentials.
	if name, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace"); err == nil {
		reserved = append(reserved, strings.TrimSpace(string(name)))
	}
	if cfg.TCPTunnel.Enabled {
		reserved = append(reserved, cfg.TCPTunnel.BastionNamespace)
	}
	return reserved
}
