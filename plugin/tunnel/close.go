package tunnel

import (
	"context"
	"errors"
	"maps"
	"slices"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/storage/driver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// Close uninstalls the releases whose records have labels that match a selector. It is
// not an error if there are none. A release that cannot be uninstalled keeps its
// record, so that Close can be called again.
func (t *Tunnels) Close(ctx context.Context, selector string) error {
	records, err := t.cluster.client.CoreV1().Secrets(t.options.BastionNamespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm," + selector})
	if err != nil {
		return t.wrap(err, "find", "releases of "+selector)
	}
	names := map[string]struct{}{}
	for i := range records.Items {
		names[records.Items[i].Labels["name"]] = struct{}{}
	}
	var failures []error
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := context.Cause(ctx); err != nil {
			return errors.Join(append(failures, err)...)
		}
		if err := t.uninstall(ctx, t.configuration(ctx), name); err != nil {
			failures = append(failures, t.wrap(err, "uninstall", name))
		}
	}
	return errors.Join(failures...)
}

// uninstall deletes the objects of a release, and then its record. It is not an error
// if the release does not exist, or if another process uninstalls it. If another
// process has changed the record since config first read it, uninstall deletes
// nothing and returns a conflict.
func (t *Tunnels) uninstall(ctx context.Context, config *configuration, name string) error {
	run := action.NewUninstall(&config.Configuration)
	run.Timeout = hookTimeout
	return t.traced(ctx, config, opUninstall, name, func() error {
		_, err := run.Run(name)
		if err == nil || errors.Is(err, driver.ErrReleaseNotFound) || kube.Kind(config.records.failed) == errdefs.NotFound {
			return nil
		}
		// Helm's own error does not wrap the error of the API server.
		if cause := errors.Join(config.records.failed, config.objects.failed); cause != nil {
			return cause
		}
		return err
	})
}
