package inspect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
	corev1 "k8s.io/api/core/v1"
)

// Env returns the variables that a kubelet sets in a container: first those of
// envFrom, in order, then those of env, in which $(NAME) is replaced by an earlier
// variable. An error means that the container cannot start, because a source is
// missing that is not optional:
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
// Only the objects of the snapshot are known: the variables of Services are missing,
// and so are objects that do not contain the UID of a local pod.
func (s *Snapshot) Env(pod *corev1.Pod, containerName string) (map[string]string, error) {
	c, err := findContainer(pod, containerName)
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
			// Current kubelets accept any name without "=". Older ones accept fewer names;
			// for example, they reject a digit at the beginning.
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
			return nil, missingError("ConfigMap", from.ConfigMapRef.Name, "", from.ConfigMapRef.Optional)
		}
		return object.Data, nil
	case from.SecretRef != nil:
		object := s.secret(pod.Namespace, from.SecretRef.Name)
		if object == nil {
			return nil, missingError("Secret", from.SecretRef.Name, "", from.SecretRef.Optional)
		}
		return toStrings(object.Data), nil
	}
	return nil, nil
}

func (s *Snapshot) valueFrom(pod *corev1.Pod, c *corev1.Container, from *corev1.EnvVarSource) (value string, found bool, err error) {
	switch {
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		object := s.configMap(pod.Namespace, ref.Name)
		if object == nil {
			return "", false, missingError("ConfigMap", ref.Name, "", ref.Optional)
		}
		if value, found = object.Data[ref.Key]; !found {
			err = missingError("ConfigMap", ref.Name, ref.Key, ref.Optional)
		}
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		object := s.secret(pod.Namespace, ref.Name)
		if object == nil {
			return "", false, missingError("Secret", ref.Name, "", ref.Optional)
		}
		if value, found = toStrings(object.Data)[ref.Key]; !found {
			err = missingError("Secret", ref.Name, ref.Key, ref.Optional)
		}
	case from.FieldRef != nil:
		value, err = podspec.Field(pod, from.FieldRef.FieldPath)
		found = err == nil
	case from.ResourceFieldRef != nil:
		value, err = podspec.Resource(pod, c, from.ResourceFieldRef)
		found = err == nil
	default:
		err = errors.New("the simulator does not know this kind of valueFrom")
	}
	return value, found, err
}

func toStrings(data map[string][]byte) map[string]string {
	values := make(map[string]string, len(data))
	for key, value := range data {
		values[key] = string(value)
	}
	return values
}
