package plugin

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
)

// metricsPrefix is the first part of the name of each metric of the plugin.
const metricsPrefix = "interlink_plugin"

// metrics returns a registry with the metrics of the plugin, apart from those of requests, which the server
// registers. connection is how calls of the remote API server are seen; it may be nil. docs/monitoring.md has
// a row for each metric.
func (p *Plugin) metrics(connection *cluster.Connection) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	return registry, errors.Join(
		p.registerHealth(registry),
		p.registerPods(registry),
		registerCalls(registry, connection),
		registry.Register(lifecycleMetrics{p.lifecycle.Stats}),
		p.registerSearches(registry),
		p.capacity.register(registry),
		p.registerUsage(registry),
		p.readiness.register(registry),
		registry.Register(reloadMetrics{p}),
	)
}

func registerGauge(registry *prometheus.Registry, name, help string, value func() float64) error {
	return registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: metricsPrefix, Name: name, Help: help}, value))
}

// secondsSince returns the seconds since a time, and 0 for the zero time and for one that has not come.
func secondsSince(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, time.Since(at).Seconds())
}

// timestamp returns a time in seconds since 1970, and 0 for the zero time.
func timestamp(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}
