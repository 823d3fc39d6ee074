package plugin

import (
	"context"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
)

// newOrphans returns the search for orphans.
func newOrphans(cfg config.Config, remote *cluster.Cluster, client kubernetes.Interface, tunnels lifecycle.Tunnels, log *slog.Logger) *orphans.Orphans {
	scope := TranslateOptions(cfg).Scope
	options := orphans.Options{
		Scope:       scope,
		Grace:       cfg.Offloading.OrphanGrace,
		InFlight:    cfg.Offloading.CreateTimeout,
		FinishedTTL: cfg.Offloading.FinishedTTL,
		Report:      cfg.Offloading.OrphanPolicy == config.ReportOrphans,
		Lock:        orphans.NewLock(client.CoordinationV1(), cfg.LeaseNamespace(), scope),
		Log:         log,
	}
	if tunnels != nil {
		options.Tunnels = tunnels
	}
	return orphans.New(remote, options)
}

// OrphansFound is what no request will delete.
type OrphansFound struct {
	Orphans []Orphan `json:"orphans"`
	// NotSearched has the kinds of objects that could not be listed, and why.
	NotSearched []string `json:"notSearched"`
	// Deleted is how many of them were deleted; nil if none was to be.
	Deleted *int `json:"deleted,omitempty"`
}

// Orphan is a remote object that no request will delete.
type Orphan struct {
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	Local     string    `json:"local,omitempty"` // the local pod, namespace/name, if it is known
	Since     time.Time `json:"since"`
	Due       string    `json:"due"` // yes, no, or never
	Why       string    `json:"why"`
}

// Remote returns the namespace and the name of the object.
func (o *Orphan) Remote() string {
	if o.Namespace == "" {
		return o.Name
	}
	return o.Namespace + "/" + o.Name
}

// Orphans returns what no request will delete, and deletes what is due if remove is true. If only the delete fails, it
// returns both the orphans and the error. tunnels is the result of [ConnectTunnels].
func Orphans(ctx context.Context, cfg config.Config, client kubernetes.Interface, tunnels lifecycle.Tunnels, remove bool) (*OrphansFound, error) {
	log := slog.New(slog.DiscardHandler)
	remote, err := cluster.New(client, cfg.Offloading.Namespace, func(pod *corev1.Pod) *corev1.Pod { return pod }, log)
	if err != nil {
		return nil, err
	}
	search := newOrphans(cfg, remote, client, tunnels, log)
	findings, skipped, err := search.List(ctx)
	if err != nil {
		return nil, err
	}
	found := &OrphansFound{Orphans: []Orphan{}, NotSearched: append([]string{}, skipped...)}
	for _, f := range findings {
		due := "yes"
		switch {
		case f.Kept:
			due = "never"
		case !f.Due:
			due = "no"
		}
		found.Orphans = append(found.Orphans, Orphan{f.Kind, f.Namespace, f.Name, f.Local, f.Since.UTC().Truncate(time.Second), due, f.Why})
	}
	if !remove {
		return found, nil
	}
	deleted, err := search.Delete(ctx, findings)
	found.Deleted = &deleted
	return found, err
}
