package plugin

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// why says what a right is for, and where it is needed if not where all others are.
func why(right cluster.Permission, namespace string) string {
	if right.Namespace != namespace {
		return right.Why + " (in namespace " + right.Namespace + ")"
	}
	return right.Why
}

// RequiredPermissions lists every right that the plugin needs in the remote cluster as it is
// configured.
func RequiredPermissions(cfg config.Config) []cluster.Permission {
	namespace := cfg.Offloading.Namespace
	rights := cluster.RequiredPermissions(namespace)
	if !cfg.TCPTunnel.Enabled {
		return rights
	}
	rights = append(rights, cluster.TunnelPermissions(namespace)...)
	for _, r := range tunnel.RequiredPermissions() {
		rights = append(rights, cluster.Permission{
			Verb: r.Verb, Group: r.Group, Resource: r.Resource, Namespace: cfg.TCPTunnel.BastionNamespace, Why: r.Why,
		})
	}
	return rights
}

// Check reaches the remote cluster and asks it for every right that the plugin
// needs. It writes a table and returns an error when the cluster cannot be
// reached, or of kind Refused when a right is missing.
func Check(ctx context.Context, cfg config.Config, client kubernetes.Interface, w io.Writer) error {
	namespace := cfg.Offloading.Namespace
	remote := cluster.NewReviewer(client)
	version, err := remote.Version(ctx)
	if err != nil {
		return err
	}
	where := "in all namespaces"
	if namespace != "" {
		where = "in namespace " + namespace
	}
	if _, err := fmt.Fprintf(w, "remote API server %s, rights %s:\n\n", version, where); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	missing := 0
	for _, right := range RequiredPermissions(cfg) {
		permitted, reason, err := remote.Allowed(ctx, right)
		if err != nil {
			return err
		}
		verdict := "yes"
		if !permitted {
			missing++
			verdict = "MISSING"
			if reason != "" {
				verdict += ": " + reason
			}
		}
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", right.Verb, right.Resource, why(right, namespace), verdict); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if missing > 0 {
		return errdefs.New(errdefs.Refused, "%d rights are missing %s", missing, where)
	}
	return nil
}
