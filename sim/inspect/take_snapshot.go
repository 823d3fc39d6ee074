package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// TakeSnapshot lists the objects of the whole cluster that contain one of the UIDs,
// and all claims of claimNamespaces, since a claim need not contain a UID. If the
// client has no permission to list the whole cluster, the snapshot covers only
// claimNamespaces. Lists are read page by page:
// https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
func TakeSnapshot(ctx context.Context, client kubernetes.Interface, uids []types.UID, claimNamespaces []string) (*Snapshot, error) {
	core, s := client.CoreV1(), &Snapshot{}
	localPods := NewLocalPods(uids)
	belongs := func(object metav1.Object) bool { _, found := localPods.UIDOf(object); return found }
	selected := func(object metav1.Object) bool { return belongs(object) && !IsTunnel(object) }
	err := errors.Join(
		list(ctx, "pods", claimNamespaces, &s.Pods, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.Pods(namespace).List(ctx, o)
		}, func(p *corev1.Pod) bool { return selected(p) }),
		list(ctx, "configmaps", claimNamespaces, &s.ConfigMaps, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.ConfigMaps(namespace).List(ctx, o)
		}, func(c *corev1.ConfigMap) bool { return selected(c) }),
		list(ctx, "secrets", claimNamespaces, &s.Secrets, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.Secrets(namespace).List(ctx, o)
		}, func(c *corev1.Secret) bool { return selected(c) }),
		list(ctx, "persistentvolumeclaims", claimNamespaces, &s.Claims, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.PersistentVolumeClaims(namespace).List(ctx, o)
		}, func(c *corev1.PersistentVolumeClaim) bool {
			return slices.Contains(claimNamespaces, c.Namespace) || selected(c)
		}),
		list(ctx, "services", claimNamespaces, &s.Services, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.Services(namespace).List(ctx, o)
		}, func(c *corev1.Service) bool { return selected(c) }),
		list(ctx, "secrets", claimNamespaces, &s.Releases, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = "owner=helm," + wire.LabelTunnelUID
			return core.Secrets(namespace).List(ctx, o)
		}, func(c *corev1.Secret) bool { return belongs(c) }),
	)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// list reads all pages of a list and adds the selected items to target.
func list[T any](
	ctx context.Context, resource string, namespaces []string, target *[]T,
	readPage func(context.Context, string, metav1.ListOptions) (runtime.Object, error), selected func(*T) bool,
) error {
	readAll := func(namespace string) error {
		pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return readPage(ctx, namespace, o)
		})
		return pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
			if item := any(o).(*T); selected(item) {
				*target = append(*target, *item)
			}
			return nil
		})
	}
	err := readAll(metav1.NamespaceAll)
	if apierrors.IsForbidden(err) && len(namespaces) > 0 {
		*target, err = nil, nil
		for _, namespace := range slices.Compact(slices.Sorted(slices.Values(namespaces))) {
			if err = readAll(namespace); err != nil {
				break
			}
		}
	}
	if err != nil {
		return fmt.Errorf("list remote %s: %w", resource, err)
	}
	return nil
}
