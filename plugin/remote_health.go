package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
)

func (p *Plugin) remoteAccepted(context.Context) error { return lasting(p.cluster.Refused()) }

func (p *Plugin) watchFresh(context.Context) error { return lasting(p.cluster.Stale()) }

// lasting returns a trouble as an error.
func lasting(t cluster.Trouble) error {
	if t.Since.IsZero() {
		return nil
	}
	return fmt.Errorf("since %s: %w", t.Since.UTC().Format(time.RFC3339), t.Reason)
}

// metrics returns a registry with the metrics of the remote cluster, and of what the plugin searches there.
func (p *Plugin) metrics() (*prometheus.Registry, error) {
	registry, started := prometheus.NewRegistry(), time.Now()
	since := func(at time.Time) float64 {
		if at.IsZero() {
			return 0
		}
		return time.Since(at).Seconds()
	}
	var failures []error
	for _, gauge := range []struct {
		name, help string
		value      func() float64
	}{
		{"remote_refused_seconds", "For how long the remote API server refuses the plugin: its credentials, or to list and watch pods. 0 if it accepts the plugin.",
			func() float64 { return since(p.cluster.Refused().Since) }},
		{"remote_unreachable_seconds", "For how long no remote API server answers. 0 if one does.",
			func() float64 { return since(p.cluster.Unreachable().Since) }},
		{"watch_age_seconds", "Time since the last event or bookmark of the watch of remote pods. API servers send a bookmark every minute.",
			func() float64 {
				if heard := p.cluster.LastHeard(); !heard.IsZero() {
					return since(heard)
				}
				return since(started)
			}},
	} {
		failures = append(failures, registry.Register(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: "interlink_plugin", Name: gauge.name, Help: gauge.help}, gauge.value)))
	}
	return registry, errors.Join(append(failures, p.registerSearches(registry), p.capacity.register(registry))...)
}
