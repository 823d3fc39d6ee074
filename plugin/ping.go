package plugin

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/capacity"
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
	return pingAnswer(*p.config(), p.capacity.offered(), p.cluster.Refused(), p.cluster.Unreachable(), p.cluster.Synced(), time.Now())
}

// pingAnswer returns the answer to a ping; offered is nil if nothing is known of resources. While the remote API
// server refuses the plugin, each create fails, and the local pod is Failed for good: so the node then offers no pods, and
// the scheduler sends none; running ones are left alone. The virtual kubelet keeps the last number that it was
// told (docs/contract.md, PING-5): so this needs a number to return to. A maintenance offers no pods either, and the
// ping then never fails: the site has said that the remote cluster may be away (PING-14).
func pingAnswer(cfg config.Config, offered *offer, refused, away cluster.Trouble, synced bool, now time.Time) (*wire.PingResponse, error) {
	lasts := func(t cluster.Trouble, least time.Duration) bool {
		return !t.Since.IsZero() && now.Sub(t.Since) >= least
	}
	if limit := cfg.K8s.UnavailableAfter; limit > 0 && !cfg.App.Maintenance {
		for _, t := range []cluster.Trouble{refused, away} {
			if lasts(t, limit) {
				return nil, errdefs.New(errdefs.Unavailable, "the remote cluster is unavailable for more than %s: %w", limit, t.Reason)
			}
		}
	}
	answer := &wire.PingResponse{Status: "ok", Resources: &wire.PingResources{}}
	pods, numbered := int64(cfg.Offloading.NodePods), cfg.Offloading.NodePods > 0
	if offered != nil {
		*answer.Resources, answer.Taints = offered.resources.resources, offered.resources.taints
		if offered.resources.hasPods && (!numbered || offered.resources.pods < pods) {
			pods, numbered = offered.resources.pods, true
		}
	}
	if numbered {
		grace := refusedGrace
		if !synced { // it has never accepted the plugin
			grace = 0
		}
		if lasts(refused, grace) || cfg.App.Maintenance {
			pods = 0
		}
		answer.Resources.Pods = strconv.FormatInt(pods, 10)
	} else if cfg.App.Maintenance && offered != nil { // quotas that limit no pods
		answer.Resources = nothingOf(*answer.Resources)
	}
	if (offered == nil || len(offered.report.Resources) == 0) && !numbered {
		return nil, nil
	}
	return answer, nil
}

// pingResources is what a ping says of a report.
type pingResources struct {
	resources wire.PingResources
	taints    *[]wire.PingTaint
	pods      int64
	hasPods   bool
}

// newPingResources returns what a ping says of a report. CPU may have thousandths; each number of other things
// is a whole one, which InterLink requires (PING-7).
func newPingResources(report capacity.Report) pingResources {
	var p pingResources
	for _, r := range report.Resources {
		switch r.Name {
		case corev1.ResourceCPU:
			p.resources.CPU = r.Offered.String()
		case corev1.ResourceMemory:
			p.resources.Memory = r.Offered.String()
		case corev1.ResourcePods:
			p.pods, p.hasPods = r.Offered.Value(), true
		default:
			p.resources.Accelerators = append(p.resources.Accelerators, wire.PingAccelerator{
				ResourceType: string(r.Name), Available: strconv.FormatInt(r.Offered.Value(), 10),
			})
		}
	}
	if report.Taints != nil {
		taints := make([]wire.PingTaint, 0, len(report.Taints))
		for _, t := range report.Taints {
			taints = append(taints, wire.PingTaint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
		}
		p.taints = &taints
	}
	return p
}

// nothingOf returns an offer of 0 of each resource that is offered.
func nothingOf(offered wire.PingResources) *wire.PingResources {
	nothing := &wire.PingResources{}
	if offered.CPU != "" {
		nothing.CPU = "0"
	}
	if offered.Memory != "" {
		nothing.Memory = "0"
	}
	for _, a := range offered.Accelerators {
		nothing.Accelerators = append(nothing.Accelerators, wire.PingAccelerator{ResourceType: a.ResourceType, Available: "0"})
	}
	return nothing
}
