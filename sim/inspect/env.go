package inspect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// Env are the variables that a kubelet gives a container: those of whole objects
// first, in order, then the others; $(NAME) is replaced by what comes before. An
// error says what is missing and not optional, so that the container cannot start:
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
// Only what the snapshot holds is known: no variables of services, and no objects
// that carry no UID.
func (s *Snapshot) Env(pod *corev1.Pod, name string) (map[string]string, error) {
	c, err := container(pod, name)
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for _, from := range c.EnvFrom {
		values, err := s.envFrom(pod, from)
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			// Current kubelets take any name without "="; older ones leave out more,
			// as names that begin with a digit.
			if !strings.Contains(from.Prefix+key, "=") {
				env[from.Prefix+key] = values[key]
			}
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			env[v.Name] = podspec.Expand(v.Value, env)
			continue
		}
		value, found, err := s.valueFrom(pod, c, v.ValueFrom)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		if found {
			env[v.Name] = value
		}
	}
	return env, nil
}

func (s *Snapshot) envFrom(pod *corev1.Pod, from corev1.EnvFromSource) (map[string]string, error) {
	switch {
	case from.ConfigMapRef != nil:
		object := s.configMap(pod.Namespace, from.ConfigMapRef.Name)
		if object == nil {
			return nil, missing("ConfigMap", from.ConfigMapRef.Name, "", from.ConfigMapRef.Optional)
		}
		return object.Data, nil
	case from.SecretRef != nil:
		object := s.secret(pod.Namespace, from.SecretRef.Name)
		if object == nil {
			return nil, missing("Secret", from.SecretRef.Name, "", from.SecretRef.Optional)
		}
		return text(object.Data), nil
	}
	return nil, nil
}

func (s *Snapshot) valueFrom(pod *corev1.Pod, c *corev1.Container, from *corev1.EnvVarSource) (value string, found bool, err error) {
	switch {
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		if object := s.configMap(pod.Namespace, ref.Name); object != nil {
			value, found = object.Data[ref.Key]
		}
		if !found {
			err = missing("ConfigMap", ref.Name, ref.Key, ref.Optional)
		}
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		if object := s.secret(pod.Namespace, ref.Name); object != nil {
			value, found = text(object.Data)[ref.Key]
		}
		if !found {
			err = missing("Secret", ref.Name, ref.Key, ref.Optional)
		}
	case from.FieldRef != nil:
		value, err = podspec.Field(pod, from.FieldRef.FieldPath)
		found = err == nil
	case from.ResourceFieldRef != nil:
		value, err = podspec.Resource(pod, c, from.ResourceFieldRef)
		found = err == nil
	default:
		err = fmt.Errorf("where its value comes from is not known here")
	}
	return value, found, err
}

// missing is an error, unless it is optional.
func missing(kind, name, key string, optional *bool) error {
	switch {
	case ptr.Deref(optional, false):
		return nil
	case key != "":
		return fmt.Errorf("remotely there is no %s %s with a key %s", kind, name, key)
	}
	return fmt.Errorf("remotely there is no %s %s", kind, name)
}

func text(data map[string][]byte) map[string]string {
	values := make(map[string]string, len(data))
	for key, value := range data {
		values[key] = string(value)
	}
	return values
}
