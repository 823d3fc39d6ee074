package plugin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
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

// Orphans writes a table of what no request will delete to w, and deletes what is due if
// remove is true. tunnels is the result of [ConnectTunnels].
func Orphans(ctx context.Context, cfg config.Config, client kubernetes.Interface, tunnels lifecycle.Tunnels, remove bool, w io.Writer) error {
	log := slog.New(slog.DiscardHandler)
	remote, err := cluster.New(client, cfg.Offloading.Namespace, func(pod *corev1.Pod) *corev1.Pod { return pod }, log)
	if err != nil {
		return err
	}
	search := newOrphans(cfg, remote, client, tunnels, log)
	findings, skipped, err := search.List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "KIND\tREMOTE\tLOCAL\tSINCE\tDUE\tWHY") // Flush returns the first error
	for _, f := range findings {
		due := "yes"
		switch {
		case f.Kept:
			due = "never"
		case !f.Due:
			due = "no"
		}
		name := f.Name
		if f.Namespace != "" {
			name = f.Namespace + "/" + f.Name
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Kind, name, f.Local, f.Since.UTC().Format(time.RFC3339), due, f.Why)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, kind := range skipped {
		if _, err := fmt.Fprintf(w, "not searched: %s\n", kind); err != nil {
			return err
		}
	}
	if !remove {
		return nil
	}
	deleted, err := search.Delete(ctx, findings)
	if _, writeErr := fmt.Fprintf(w, "deleted: %d\n", deleted); writeErr != nil {
		return writeErr
	}
	return err
}
