package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/capacity"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
)

// capacityInterval is the pause between two reports while objects change.
const capacityInterval = time.Second

// capacityReporter keeps the report of what the remote cluster offers up to date.
type capacityReporter struct {
	pods   *cluster.Reduced[capacity.Pod]
	nodes  *cluster.Reduced[capacity.Node]  // nil with quotas
	quotas *cluster.Reduced[capacity.Quota] // nil with nodes
	// options of the reports.
	options capacity.Options
	// changed holds a value after a change.
	changed chan struct{}
	// accounting remembers what earlier processes offered; ledger is what it last remembered.
	accounting *accounting.Accounting
	ledger     *accounting.Ledger
	latest     atomic.Pointer[offer]
}

// offer is a report, and what a ping says of it apart from the number of pods, which also depends on other things.
type offer struct {
	report    capacity.Report
	resources pingResources
}

// newCapacityReporter returns nil if the configuration asks for no report. It sends no request.
func newCapacityReporter(cfg config.Config, remote *cluster.Cluster, template *nstemplate.Template, usage *accounting.Accounting, log *slog.Logger) (*capacityReporter, error) {
	if cfg.Offloading.ReportResources == config.ReportNothing {
		return nil, nil
	}
	options, err := capacityOptions(cfg, template)
	if err != nil {
		return nil, err
	}
	r := &capacityReporter{options: options, changed: make(chan struct{}, 1), accounting: usage}
	changed := func() {
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
	namespace := cfg.Offloading.Namespace
	if cfg.Offloading.ReportResources == config.ReportNodes {
		namespace = "" // the pods of others are in all namespaces
		r.nodes, err = cluster.ReduceNodes(remote, func(n *corev1.Node) capacity.Node { return capacity.NewNode(n, options) }, changed, log)
	} else {
		r.quotas, err = cluster.ReduceQuotas(remote, namespace, func(q *corev1.ResourceQuota) capacity.Quota { return capacity.NewQuota(q, options) }, changed, log)
	}
	if err != nil {
		return nil, err
	}
	r.pods, err = cluster.ReducePods(remote, namespace, func(p *corev1.Pod) capacity.Pod { return capacity.NewPod(p, options) }, changed, log)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// capacityOptions returns the options of package capacity.
func capacityOptions(cfg config.Config, template *nstemplate.Template) (capacity.Options, error) {
	options := capacity.Options{
		Instance: cfg.App.Instance, NodeSelector: cfg.Offloading.NodeSelector, Tolerations: cfg.Offloading.NodeTolerations,
		PriorityClass: cfg.Offloading.PriorityClass, Reserve: cfg.Offloading.Reserve,
		IsOwn: func(namespace string) bool {
			prefix := cfg.Offloading.NamespacePrefix
			return namespace == cfg.Offloading.Namespace || prefix != "" && strings.HasPrefix(namespace, prefix+"-")
		},
	}
	objects, err := template.Objects("local", "remote")
	if err != nil {
		return options, fmt.Errorf("read the quotas of the namespace template: %w", err)
	}
	for _, object := range objects {
		if object.Resource != "resourcequotas" {
			continue
		}
		quota := &corev1.ResourceQuota{}
		if err := json.Unmarshal(object.Manifest, quota); err != nil {
			return options, fmt.Errorf("read %s %s of the namespace template: %w", object.Kind, object.Name, err)
		}
		options.Next = append(options.Next, capacity.NewQuota(quota, options))
	}
	return options, nil
}

// run reports until ctx is done.
func (r *capacityReporter) run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { r.pods.Run(ctx) })
	if r.nodes != nil {
		running.Go(func() { r.nodes.Run(ctx) })
	} else {
		running.Go(func() { r.quotas.Run(ctx) })
	}
	defer running.Wait()
	// A cluster without objects has no changes.
	ticker := time.NewTicker(capacityInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ledger := r.accounting.Ledger()
		select {
		case <-r.changed:
			r.compute(ledger)
		default:
			if ledger != r.ledger || r.latest.Load() == nil {
				r.compute(ledger)
			}
		}
	}
}

// compute replaces the report, once all objects have been listed. The virtual kubelet keeps what it is not told: so
// what an earlier process offered is said as 0, if a pod of this installation has used it (the ledger knows), and no
// node has it any more.
func (r *capacityReporter) compute(ledger *accounting.Ledger) {
	if !r.synced() {
		return
	}
	r.ledger = ledger
	var report capacity.Report
	before := r.latest.Load()
	if r.nodes != nil {
		report = capacity.OfNodes(r.nodes.All(), r.pods.All(), r.options)
		if before != nil {
			report = report.Keep(before.report)
		}
		report = report.WithNone(ledger.Resources())
	} else { // what no quota limits is not 0
		report = capacity.OfQuotas(r.quotas.All(), r.pods.All(), r.options)
	}
	if len(report.Resources) == 0 && before == nil {
		return // no quota: nothing to say
	}
	r.latest.Store(&offer{report: report, resources: newPingResources(report)})
}

func (r *capacityReporter) synced() bool {
	return r.pods.Synced() && (r.nodes == nil || r.nodes.Synced()) && (r.quotas == nil || r.quotas.Synced())
}

// offered returns the latest offer; nil if there is none yet.
func (r *capacityReporter) offered() *offer {
	if r == nil {
		return nil
	}
	return r.latest.Load()
}

// Capacity returns what the remote cluster offers, as the ping says it, and since when nothing newer is known. It returns false
// if nothing is reported: the configuration does not ask for it, or the objects could not be listed yet.
func (p *Plugin) Capacity() (capacity.Report, bool) {
	latest := p.capacity.offered()
	if latest == nil {
		return capacity.Report{}, false
	}
	report := latest.report
	report.Since = p.capacity.pods.LastHeard()
	for _, heard := range p.capacity.others() {
		if heard.Before(report.Since) {
			report.Since = heard
		}
	}
	return report, true
}

// others returns when the API server was last heard of the other objects.
func (r *capacityReporter) others() []time.Time {
	if r.nodes != nil {
		return []time.Time{r.nodes.LastHeard()}
	}
	return []time.Time{r.quotas.LastHeard()}
}
