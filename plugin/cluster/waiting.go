package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// listPage is the number of objects that one request lists.
const listPage = 500

// ListConfigMaps returns the ConfigMaps that match a selector, in the only namespace that
// the plugin uses, or in all.
func (c *Cluster) ListConfigMaps(ctx context.Context, selector string) ([]corev1.ConfigMap, error) {
	var all []corev1.ConfigMap
	options := metav1.ListOptions{LabelSelector: selector, Limit: listPage}
	for {
		list, err := c.client.CoreV1().ConfigMaps(c.namespace).List(ctx, options)
		if err := checkList(err, list); err != nil {
			return nil, wrap(err, "list", "ConfigMaps with "+selector)
		}
		all = append(all, list.Items...)
		if options.Continue = list.Continue; options.Continue == "" {
			return all, nil
		}
	}
}

// AnnotateConfigMap sets annotations of a ConfigMap; nil removes one. The error is of kind
// NotFound if the ConfigMap does not exist any more, or another one has its name. If
// unchanged is true, the error is of kind Conflict if it has another resource version.
func (c *Cluster) AnnotateConfigMap(ctx context.Context, configMap *corev1.ConfigMap, annotations map[string]any, unchanged bool) error {
	meta := map[string]any{"uid": configMap.UID, "annotations": annotations}
	if unchanged {
		meta["resourceVersion"] = configMap.ResourceVersion
	}
	body, err := json.Marshal(map[string]any{"metadata": meta})
	if err != nil {
		return fmt.Errorf("annotate %s: %w", describe(configMap), err)
	}
	_, err = c.client.CoreV1().ConfigMaps(configMap.Namespace).Patch(ctx, configMap.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if hasOtherUID(err) {
		return errdefs.New(errdefs.NotFound, "annotate %s: another ConfigMap has its name now", describe(configMap))
	}
	return wrap(err, "annotate", describe(configMap))
}

// WatchQuotas calls changed with the namespace of every ResourceQuota that exists, is added,
// changed or deleted, until the watch ends. The watch is not restored when it ends.
func (c *Cluster) WatchQuotas(ctx context.Context, changed func(namespace string)) error {
	watcher, err := c.client.CoreV1().ResourceQuotas(c.namespace).Watch(ctx, metav1.ListOptions{AllowWatchBookmarks: true})
	if err != nil {
		return wrap(err, "watch", "resource quotas")
	}
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		switch event.Type {
		case watch.Added, watch.Modified, watch.Deleted:
			if quota, ok := event.Object.(*corev1.ResourceQuota); ok {
				changed(quota.Namespace)
			}
		case watch.Error:
			return wrap(apierrors.FromObject(event.Object), "watch", "resource quotas")
		}
	}
	return nil
}
