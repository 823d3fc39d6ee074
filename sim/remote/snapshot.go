package remote

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Snapshot is what stands remotely for some local pods.
type Snapshot struct {
	Pods       []corev1.Pod
	ConfigMaps []corev1.ConfigMap
	Secrets    []corev1.Secret
	Claims     []corev1.PersistentVolumeClaim
}

// pageSize bounds one answer of the API server.
const pageSize = 500

// Take looks at the whole cluster for objects that carry one of the UIDs. Claims
// need not: all of those in claimNamespaces count. Who may not list the whole
// cluster is shown those namespaces only. Lists are read page by page:
// https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
func Take(ctx context.Context, client kubernetes.Interface, uids []types.UID, claimNamespaces []string) (*Snapshot, error) {
	core, known, s := client.CoreV1(), newCarrier(uids), &Snapshot{}
	var err error
	if s.Pods, err = list("pods", claimNamespaces, func(namespace string, o metav1.ListOptions) ([]corev1.Pod, string, error) {
		l, err := core.Pods(namespace).List(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return l.Items, l.Continue, nil
	}, func(p *corev1.Pod) bool { return known.by(p) }); err != nil {
		return nil, err
	}
	if s.ConfigMaps, err = list("configmaps", claimNamespaces, func(namespace string, o metav1.ListOptions) ([]corev1.ConfigMap, string, error) {
		l, err := core.ConfigMaps(namespace).List(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return l.Items, l.Continue, nil
	}, func(c *corev1.ConfigMap) bool { return known.by(c) }); err != nil {
		return nil, err
	}
	if s.Secrets, err = list("secrets", claimNamespaces, func(namespace string, o metav1.ListOptions) ([]corev1.Secret, string, error) {
		l, err := core.Secrets(namespace).List(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return l.Items, l.Continue, nil
	}, func(c *corev1.Secret) bool { return known.by(c) }); err != nil {
		return nil, err
	}
	s.Claims, err = list("persistentvolumeclaims", claimNamespaces, func(namespace string, o metav1.ListOptions) ([]corev1.PersistentVolumeClaim, string, error) {
		l, err := core.PersistentVolumeClaims(namespace).List(ctx, o)
		if err != nil {
			return nil, "", err
		}
		return l.Items, l.Continue, nil
	}, func(c *corev1.PersistentVolumeClaim) bool {
		return slices.Contains(claimNamespaces, c.Namespace) || known.by(c)
	})
	return s, err
}

// list reads all pages, and keeps what is wanted.
func list[T any](what string, namespaces []string, page func(string, metav1.ListOptions) ([]T, string, error), wanted func(*T) bool) ([]T, error) {
	read := func(namespace string) ([]T, error) {
		var all []T
		for options := (metav1.ListOptions{Limit: pageSize}); ; {
			items, next, err := page(namespace, options)
			if err != nil {
				return nil, err
			}
			for i := range items {
				if wanted(&items[i]) {
					all = append(all, items[i])
				}
			}
			if next == "" {
				return all, nil
			}
			options.Continue = next
		}
	}
	all, err := read(metav1.NamespaceAll)
	if apierrors.IsForbidden(err) && len(namespaces) > 0 {
		all, err = nil, nil
		for _, namespace := range slices.Compact(slices.Sorted(slices.Values(namespaces))) {
			var some []T
			if some, err = read(namespace); err != nil {
				break
			}
			all = append(all, some...)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list remote %s: %w", what, err)
	}
	return all, nil
}

// carrier finds objects of many pods quickly.
type carrier struct {
	uids map[string]bool
}

func newCarrier(uids []types.UID) carrier {
	c := carrier{map[string]bool{}}
	for _, uid := range uids {
		if uid != "" { // any name contains it, and empty labels are common
			c.uids[string(uid)] = true
		}
	}
	return c
}

func (c carrier) by(object metav1.Object) bool {
	for _, values := range []map[string]string{object.GetLabels(), object.GetAnnotations()} {
		for _, value := range values {
			if c.uids[value] {
				return true
			}
		}
	}
	for uid := range c.uids {
		if strings.Contains(object.GetName(), uid) {
			return true
		}
	}
	return false
}

// Carries says whether an object belongs to the local pod of that UID: a label or
// an annotation has it as its value, or the name contains it. Nothing carries an
// empty UID.
func Carries(object metav1.Object, uid types.UID) bool {
	return newCarrier([]types.UID{uid}).by(object)
}

// Count of a kind: Pod, ConfigMap, Secret or PersistentVolumeClaim.
func (s *Snapshot) Count(kind string) int { return len(s.Names(kind)) }

// Names of the objects of a kind, as namespace/name.
func (s *Snapshot) Names(kind string) []string {
	var names []string
	add := func(meta *metav1.ObjectMeta) { names = append(names, meta.Namespace+"/"+meta.Name) }
	switch kind {
	case "Pod":
		for i := range s.Pods {
			add(&s.Pods[i].ObjectMeta)
		}
	case "ConfigMap":
		for i := range s.ConfigMaps {
			add(&s.ConfigMaps[i].ObjectMeta)
		}
	case "Secret":
		for i := range s.Secrets {
			add(&s.Secrets[i].ObjectMeta)
		}
	case "PersistentVolumeClaim":
		for i := range s.Claims {
			add(&s.Claims[i].ObjectMeta)
		}
	}
	return names
}

// Pod is the remote pod of a local one, nil if there is none: of several, one that
// is not being deleted, and the oldest of these.
func (s *Snapshot) Pod(uid types.UID) *corev1.Pod {
	var best *corev1.Pod
	for i := range s.Pods {
		pod := &s.Pods[i]
		switch {
		case !Carries(pod, uid):
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
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			if containers[i].Name == name {
				return &containers[i], nil
			}
		}
	}
	return nil, fmt.Errorf("the remote pod %s has no container %s", pod.Name, name)
}
