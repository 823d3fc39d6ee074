package plugin

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
)

// registerSearches registers the metrics of pods that wait for a quota, and of orphans.
func (p *Plugin) registerSearches(registry *prometheus.Registry) error {
	gauge := func(name, help string, value func() float64) error { return registerGauge(registry, name, help, value) }
	failures := []error{
		gauge("waiting_pods", "Number of pods that wait for a quota of the remote cluster. Every replica counts all of them.", func() float64 {
			pods, _ := p.waiting.Stats()
			return float64(pods)
		}),
		gauge("waiting_oldest_seconds", "For how long the oldest of the pods that wait for a quota has been waiting. 0 if none waits.", func() float64 {
			_, oldest := p.waiting.Stats()
			return secondsSince(oldest)
		}),
	}
	if p.orphans == nil {
		return errors.Join(failures...)
	}
	failures = append(failures,
		gauge("orphans_marked_pods", "Number of remote pods that are marked, because their virtual nodes do not ask about them. Every replica counts all of them.",
			func() float64 { return float64(p.orphans.Stats().Marked) }),
		gauge("orphans_searched_timestamp_seconds", "When this replica last searched for orphans, in seconds since 1970. 0 if it has not: one replica at a time searches.", func() float64 {
			return timestamp(p.orphans.Stats().Searched)
		}))
	for _, kind := range orphans.Kinds {
		failures = append(failures, registry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: metricsPrefix, Name: "orphans_deleted_total", ConstLabels: prometheus.Labels{"kind": kind},
			Help: "Number of orphans that this replica has deleted, by kind.",
		}, func() float64 { return float64(p.orphans.Stats().Deleted[kind]) })))
	}
	return errors.Join(failures...)
}
