package plugin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// refusedGrace is how long the remote API server may refuse the plugin before the ping offers
// no pods: credentials that are rotated are refused for a moment.
const refusedGrace = 2 * time.Minute

// ping returns the answer to a ping.
func (p *Plugin) ping() (*wire.PingResponse, error) {
	return pingAnswer(p.config, p.cluster.Refused(), p.cluster.Unreachable(), p.cluster.Synced(), time.Now())
}

// pingAnswer returns the answer to a ping. While the remote API server refuses the plugin,
// each create fails, and the local pod is Failed for good: so the node then offers no pods, and
// the scheduler sends none; running ones are left alone. The virtual kubelet keeps the last number that it was
// told (docs/contract.md, PING-5): so this needs a number to return to.
func pingAnswer(cfg config.Config, refused, away cluster.Trouble, synced bool, now time.Time) (*wire.PingResponse, error) {
	lasts := func(t cluster.Trouble, least time.Duration) bool {
		return !t.Since.IsZero() && now.Sub(t.Since) >= least
	}
	if limit := cfg.K8s.UnavailableAfter; limit > 0 {
		for _, t := range []cluster.Trouble{refused, away} {
			if lasts(t, limit) {
				return nil, errdefs.New(errdefs.Unavailable, "the remote cluster is unavailable for more than %s: %w", limit, t.Reason)
			}
		}
	}
	if cfg.Offloading.NodePods == 0 {
		return nil, nil
	}
	grace := refusedGrace
	if !synced { // it has never accepted the plugin
		grace = 0
	}
	offered := cfg.Offloading.NodePods
	if lasts(refused, grace) {
		offered = 0
	}
	return &wire.PingResponse{Status: "ok", Resources: &wire.PingResources{Pods: strconv.Itoa(offered)}}, nil
}

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
	return registry, errors.Join(append(failures, p.registerSearches(registry))...)
}
