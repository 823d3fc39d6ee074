package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// MissingError says that a source of variables or files does not exist.
type MissingError struct {
	Kind, Name string // of the object: ConfigMap or Secret
	Key        string // the key that the object lacks; empty if there is no object
}

// Error returns one sentence about the remote cluster.
func (e *MissingError) Error() string {
	if e.Key != "" {
		return fmt.Sprintf("the remote cluster has no %s %s with key %s", e.Kind, e.Name, e.Key)
	}
	return fmt.Sprintf("the remote cluster has no %s %s", e.Kind, e.Name)
}

// missingError returns nil if the object or the key is optional.
func missingError(kind, name, key string, optional *bool) error {
	if ptr.Deref(optional, false) {
		return nil
	}
	return &MissingError{kind, name, key}
}

// Sources are the ConfigMaps and Secrets, by name, that a part of a pod refers to.
type Sources struct{ ConfigMaps, Secrets []string }

// Empty reports whether there are no sources.
func (s Sources) Empty() bool { return len(s.ConfigMaps)+len(s.Secrets) == 0 }

// VolumeSources returns the sources of the volumes that some container of a pod mounts.
// The kubelet neither reads other volumes nor waits for them.
func VolumeSources(pod *corev1.Pod) (s Sources) {
	mounted := map[string]bool{}
	for _, m := range mounts(pod) {
		mounted[m.name] = true
	}
	for _, v := range pod.Spec.Volumes {
		if !mounted[v.Name] {
			continue
		}
		if v.ConfigMap != nil {
			s.ConfigMaps = append(s.ConfigMaps, v.ConfigMap.Name)
		}
		if v.Secret != nil {
			s.Secrets = append(s.Secrets, v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				s.ConfigMaps = append(s.ConfigMaps, source.ConfigMap.Name)
			}
			if source.Secret != nil {
				s.Secrets = append(s.Secrets, source.Secret.Name)
			}
		}
	}
	return s
}

// VariableSources returns the sources of a container's variables.
func VariableSources(c *corev1.Container) (s Sources) {
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			s.ConfigMaps = append(s.ConfigMaps, from.ConfigMapRef.Name)
		}
		if from.SecretRef != nil {
			s.Secrets = append(s.Secrets, from.SecretRef.Name)
		}
	}
	for _, v := range c.Env {
		if from := v.ValueFrom; from != nil && from.ConfigMapKeyRef != nil {
			s.ConfigMaps = append(s.ConfigMaps, from.ConfigMapKeyRef.Name)
		} else if from != nil && from.SecretKeyRef != nil {
			s.Secrets = append(s.Secrets, from.SecretKeyRef.Name)
		}
	}
	return s
}

// TakeSources gets those of the sources that exist in a namespace. The snapshot has
// nothing else.
func TakeSources(ctx context.Context, client kubernetes.Interface, namespace string, sources Sources) (*Snapshot, error) {
	snapshot := &Snapshot{}
	for _, name := range sources.ConfigMaps {
		if snapshot.configMap(namespace, name) != nil {
			continue
		}
		object, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil:
			snapshot.ConfigMaps = append(snapshot.ConfigMaps, *object)
		case !apierrors.IsNotFound(err):
			return nil, fmt.Errorf("get ConfigMap %s/%s: %w", namespace, name, err)
		}
	}
	for _, name := range sources.Secrets {
		if snapshot.secret(namespace, name) != nil {
			continue
		}
		object, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil:
			snapshot.Secrets = append(snapshot.Secrets, *object)
		case !apierrors.IsNotFound(err):
			return nil, fmt.Errorf("get Secret %s/%s: %w", namespace, name, err)
		}
	}
	return snapshot, nil
}

// Absent returns those of the sources that the snapshot does not have.
func (s *Snapshot) Absent(namespace string, sources Sources) (absent Sources) {
	for _, name := range sources.ConfigMaps {
		if s.configMap(namespace, name) == nil {
			absent.ConfigMaps = append(absent.ConfigMaps, name)
		}
	}
	for _, name := range sources.Secrets {
		if s.secret(namespace, name) == nil {
			absent.Secrets = append(absent.Secrets, name)
		}
	}
	return absent
}

// MissingVolume returns what the volumes of a pod lack, nil if the kubelet can mount all
// that some container mounts.
func (s *Snapshot) MissingVolume(pod *corev1.Pod) *MissingError {
	for _, m := range mounts(pod) {
		_, err := s.volume(pod, m.container, m.name)
		var missing *MissingError
		if errors.As(err, &missing) {
			return missing
		}
	}
	return nil
}

// MissingVariable returns what the variables of a container lack, nil if nothing is
// missing.
func (s *Snapshot) MissingVariable(pod *corev1.Pod, container string) *MissingError {
	_, err := s.Env(pod, container)
	var missing *MissingError
	errors.As(err, &missing)
	return missing
}

// mount is a volume with a container that mounts it.
type mount struct {
	name      string
	container *corev1.Container
}

// mounts returns the mounts of all containers, each volume once.
func mounts(pod *corev1.Pod) []mount {
	var all []mount
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			for _, m := range containers[i].VolumeMounts {
				if !slices.ContainsFunc(all, func(other mount) bool { return other.name == m.Name }) {
					all = append(all, mount{m.Name, &containers[i]})
				}
			}
		}
	}
	return all
}
