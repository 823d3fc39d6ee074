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
)

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
	for _, right := range cluster.Rights(namespace) {
		permitted, reason, err := remote.Permitted(ctx, right)
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
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", right.Verb, right.Resource, right.Why, verdict); err != nil {
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
