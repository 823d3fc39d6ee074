package plugin

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// accountingOptions returns the options for the accounting of the installation. A simulated cluster keeps no ledger.
func accountingOptions(cfg config.Config, s scope.Scope, remote *cluster.Cluster, log *slog.Logger) accounting.Options {
	options := accounting.Options{Instance: s.Instance, Followed: remote.Followed, Log: log}
	if remote.ListsMetadata() {
		options.Store = remote.Ledger(cfg.LeaseNamespace(), s.LedgerName())
	}
	return options
}

// usageCollector shows the ledger as metrics.
type usageCollector struct {
	plugin                 *Plugin
	usage, counted, stored *prometheus.Desc
}

func (p *Plugin) registerUsage(registry *prometheus.Registry) error {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(metricsPrefix+"_"+name, help, labels, nil)
	}
	return registry.Register(usageCollector{
		plugin:  p,
		usage:   desc("resource_seconds_total", "Requested resources multiplied by the time that containers ran, by local namespace: core-seconds, byte-seconds. Every replica counts all pods.", "namespace", "resource"),
		counted: desc("resource_seconds_counted_timestamp_seconds", "Until when the used resources are counted, in seconds since 1970. 0 if it is not known yet."),
		stored:  desc("resource_seconds_stored", "1 if the used resources are stored in the remote cluster, 0 if they are counted in memory."),
	})
}

// Describe describes the metrics.
func (c usageCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.usage
	descs <- c.counted
	descs <- c.stored
}

// Collect sends the metrics.
func (c usageCollector) Collect(metrics chan<- prometheus.Metric) {
	ledger := c.plugin.accounting.Ledger()
	until, stored := 0.0, 0.0
	if c.plugin.accounting.Stored() {
		stored = 1
	}
	if ledger != nil {
		until = float64(ledger.Until)
		for namespace, account := range ledger.Accounts {
			for resource, total := range account.Totals {
				metrics <- prometheus.MustNewConstMetric(c.usage, prometheus.CounterValue, total.Float(), namespace, resource)
			}
		}
	}
	metrics <- prometheus.MustNewConstMetric(c.counted, prometheus.GaugeValue, until)
	metrics <- prometheus.MustNewConstMetric(c.stored, prometheus.GaugeValue, stored)
}
