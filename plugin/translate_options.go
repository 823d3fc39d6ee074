package plugin

import (
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// TranslateOptions returns the options of package translate. They and [PolicyOptions] are the
// only option structs that are composed of several sections of the configuration: the other
// packages use one section as it is (see package config). [ReadTranslateOptions] adds what is in
// files.
func TranslateOptions(cfg config.Config) translate.Options {
	return translate.Options{
		Scope: scope.Scope{
			Prefix:     cfg.Offloading.NamespacePrefix,
			Exclusions: cfg.Offloading.NamespacePrefixExclusions,
			Namespace:  cfg.Offloading.Namespace,
			Instance:   cfg.App.Instance,
		},
		Offloading: cfg.Offloading,
		Mesh:       cfg.Mesh,
		Tunnels:    cfg.TCPTunnel.Enabled,
	}
}
