package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// Snapshot is what stands remotely for some local pods.
type Snapshot struct {
	Pods       []corev1.Pod
	ConfigMaps []corev1.ConfigMap
	Secrets    []corev1.Secret
	Claims     []corev1.PersistentVolumeClaim
	Services   []corev1.Service
	// Releases are Helm's records of the pods' tunnels, several of one release if it
	// was changed. What else belongs to these goes with them, and is not looked at.
	Releases []corev1.Secret
}

// TakeSnapshot looks at the whole cluster for objects that carry one of the UIDs. Claims
// need not: all of those in claimNamespaces count. Who may not list the whole
// cluster is shown those namespaces only. Lists are read page by page:
// https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
func TakeSnapshot(ctx context.Context, client kubernetes.Interface, uids []types.UID, claimNamespaces []string) (*Snapshot, error) {
	core, s := client.CoreV1(), &Snapshot{}
	owners := NewLocalPods(uids)
	ours := func(object metav1.Object) bool { _, ours := owners.UIDOf(object); return ours && !IsTunnel(object) }
	err := errors.Join(
		list(ctx, "pods", claimNamespaces, &s.Pods, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.Pods(namespace).List(ctx, o)
		}, func(p *corev1.Pod) bool { return ours(p) }),
		list(ctx, "configmaps", claimNamespaces, &s.ConfigMaps, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.ConfigMaps(namespace).List(ctx, o)
		}, func(c *corev1.ConfigMap) bool { return ours(c) }),
		list(ctx, "secrets", claimNamespaces, &s.Secrets, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.Secrets(namespace).List(ctx, o)
		}, func(c *corev1.Secret) bool { return ours(c) }),
		list(ctx, "persistentvolumeclaims", claimNamespaces, &s.Claims, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.PersistentVolumeClaims(namespace).List(ctx, o)
		}, func(c *corev1.PersistentVolumeClaim) bool {
			return slices.Contains(claimNamespaces, c.Namespace) || ours(c)
		}),
		list(ctx, "services", claimNamespaces, &s.Services, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			return core.Services(namespace).List(ctx, o)
		}, func(c *corev1.Service) bool { return ours(c) }),
		list(ctx, "secrets", claimNamespaces, &s.Releases, func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = "owner=helm," + wire.LabelTunnelUID
			return core.Secrets(namespace).List(ctx, o)
		}, func(c *corev1.Secret) bool { _, ours := owners.UIDOf(c); return ours }),
	)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// IsTunnel says whether an object is part of a tunnel: such a one carries the UID of a
// local pod, but is nothing of the pod's.
func IsTunnel(object metav1.Object) bool { return object.GetLabels()[wire.LabelTunnelUID] != "" }

// list reads all pages, and keeps what is wanted.
func list[T any](
	ctx context.Context, what string, namespaces []string, into *[]T,
	page func(context.Context, string, metav1.ListOptions) (runtime.Object, error), wanted func(*T) bool,
) error {
	read := func(namespace string) error {
		pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return page(ctx, namespace, o)
		})
		return pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
			if item := any(o).(*T); wanted(item) {
				*into = append(*into, *item)
			}
			return nil
		})
	}
	err := read(metav1.NamespaceAll)
	if apierrors.IsForbidden(err) && len(namespaces) > 0 {
		*into, err = nil, nil
		for _, namespace := range slices.Compact(slices.Sorted(slices.Values(namespaces))) {
			if err = read(namespace); err != nil {
				break
			}
		}
	}
	if err != nil {
		return fmt.Errorf("list remote %s: %w", what, err)
	}
	return nil
}

// LocalPods finds the local pod that an object belongs to: a label or an annotation
// has the pod's UID as its value, or the object's name contains it.
type LocalPods map[types.UID]bool

// NewLocalPods knows the pods of these UIDs. Nothing belongs to an empty one.
func NewLocalPods(uids []types.UID) LocalPods {
	o := LocalPods{}
	for _, uid := range uids {
		if uid != "" { // any name contains it, and empty labels are common
			o[uid] = true
		}
	}
	return o
}

// UIDOf returns the UID of the object's local pod, if it is one of these.
func (o LocalPods) UIDOf(object metav1.Object) (types.UID, bool) {
	for _, values := range []map[string]string{object.GetLabels(), object.GetAnnotations()} {
		for _, value := range values {
			if uid := types.UID(value); o[uid] {
				return uid, true
			}
		}
	}
	for uid := range o {
		if strings.Contains(object.GetName(), string(uid)) {
			return uid, true
		}
	}
	return "", false
}

// Count of a kind: Pod, ConfigMap, Secret, PersistentVolumeClaim, Service or Release.
func (s *Snapshot) Count(kind string) int { return len(s.Names(kind)) }

// Names of the objects of a kind, as namespace/name.
func (s *Snapshot) Names(kind string) []string {
	switch kind {
	case "Pod":
		return names(s.Pods, func(p *corev1.Pod) string { return p.Namespace + "/" + p.Name })
	case "ConfigMap":
		return names(s.ConfigMaps, func(c *corev1.ConfigMap) string { return c.Namespace + "/" + c.Name })
	case "Secret":
		return names(s.Secrets, func(c *corev1.Secret) string { return c.Namespace + "/" + c.Name })
	case "PersistentVolumeClaim":
		return names(s.Claims, func(c *corev1.PersistentVolumeClaim) string { return c.Namespace + "/" + c.Name })
	case "Service":
		return names(s.Services, func(c *corev1.Service) string { return c.Namespace + "/" + c.Name })
	case "Release":
		// Several records may be of one release.
		releases := names(s.Releases, func(record *corev1.Secret) string { return record.Namespace + "/" + record.Labels["name"] })
		slices.Sort(releases)
		return slices.Compact(releases)
	}
	return nil
}

func names[T any](objects []T, name func(*T) string) []string {
	var all []string
	for i := range objects {
		all = append(all, name(&objects[i]))
	}
	return all
}

// Pod is the remote pod of a local one, nil if there is none: of several, one that
// is not being deleted, and the oldest of these.
func (s *Snapshot) Pod(uid types.UID) *corev1.Pod {
	var best *corev1.Pod
	owner := NewLocalPods([]types.UID{uid})
	for i := range s.Pods {
		pod := &s.Pods[i]
		_, ours := owner.UIDOf(pod)
		switch {
		case !ours:
		case best == nil,
			best.DeletionTimestamp != nil && pod.DeletionTimestamp == nil,
			(best.DeletionTimestamp == nil) == (pod.DeletionTimestamp == nil) && pod.CreationTimestamp.Before(&best.CreationTimestamp):
			best = pod
		}
	}
	return best
}

func (s *Snapshot) configMap(namespace, name string) *corev1.ConfigMap {
	for i := range s.ConfigMaps {
		if s.ConfigMaps[i].Namespace == namespace && s.ConfigMaps[i].Name == name {
			return &s.ConfigMaps[i]
		}
	}
	return nil
}

func (s *Snapshot) secret(namespace, name string) *corev1.Secret {
	for i := range s.Secrets {
		if s.Secrets[i].Namespace == namespace && s.Secrets[i].Name == name {
			return &s.Secrets[i]
		}
	}
	return nil
}

// container of a pod by its name.
func container(pod *corev1.Pod, name string) (*corev1.Container, error) {
	if c := podspec.Container(pod, name); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("the remote pod %s has no container %s", pod.Name, name)
}
