package inspect

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// Snapshot holds the remote objects of some local pods.
type Snapshot struct {
	Pods       []corev1.Pod
	ConfigMaps []corev1.ConfigMap
	Secrets    []corev1.Secret
	Claims     []corev1.PersistentVolumeClaim
	Services   []corev1.Service
	// Releases are Helm's records of the pods' tunnels, one for each revision of a
	// release. The objects that a release installed are not in the snapshot.
	Releases []corev1.Secret
}

// Count returns the number of objects of a kind: Pod, ConfigMap, Secret,
// PersistentVolumeClaim, Service or Release.
func (s *Snapshot) Count(kind string) int { return len(s.Names(kind)) }

// Names returns the names of the objects of a kind, as namespace/name.
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
		releases := names(s.Releases, func(record *corev1.Secret) string { return record.Namespace + "/" + record.Labels["name"] })
		slices.Sort(releases)
		return slices.Compact(releases) // a release has one record for each revision
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

// Pod returns the remote pod of a local pod, nil if there is none. Of several pods it
// returns one that is not being deleted, and of these the oldest.
func (s *Snapshot) Pod(uid types.UID) *corev1.Pod {
	var best *corev1.Pod
	localPod := NewLocalPods([]types.UID{uid})
	for i := range s.Pods {
		pod := &s.Pods[i]
		_, found := localPod.UIDOf(pod)
		switch {
		case !found:
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

// findContainer returns a container or init container of a remote pod by its name.
func findContainer(pod *corev1.Pod, name string) (*corev1.Container, error) {
	if c := podspec.Container(pod, name); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("the remote pod %s has no container %s", pod.Name, name)
}
