package inspect

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
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
			env[v.Name] = expand(v.Value, env)
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
		value, err = field(pod, from.FieldRef.FieldPath)
		found = err == nil
	case from.ResourceFieldRef != nil:
		value, err = resourceOf(pod, c, from.ResourceFieldRef)
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

// reference is $$, or $(NAME).
var reference = regexp.MustCompile(`\$\$|\$\([^)]*\)`)

// expand replaces what is known; $$ stands for one $.
func expand(value string, env map[string]string) string {
	return reference.ReplaceAllStringFunc(value, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if value, known := env[found[2:len(found)-1]]; known {
			return value
		}
		return found
	})
}

// unknown is the first variable in a value that is not known, or empty.
func unknown(value string, env map[string]string) string {
	for _, found := range reference.FindAllString(value, -1) {
		if found == "$$" {
			continue
		}
		if name := found[2 : len(found)-1]; env[name] == "" {
			return name
		}
	}
	return ""
}

var subscript = regexp.MustCompile(`^metadata\.(labels|annotations)\['(.+)'\]$`)

// field is one of the pod's, as the downward API knows them:
// https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
func field(pod *corev1.Pod, path string) (string, error) {
	if match := subscript.FindStringSubmatch(path); match != nil {
		if match[1] == "labels" {
			return pod.Labels[match[2]], nil
		}
		return pod.Annotations[match[2]], nil
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "metadata.labels":
		return mapText(pod.Labels), nil
	case "metadata.annotations":
		return mapText(pod.Annotations), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.podIP":
		return pod.Status.PodIP, nil
	case "status.podIPs":
		var ips []string
		for _, ip := range pod.Status.PodIPs {
			ips = append(ips, ip.IP)
		}
		return strings.Join(ips, ","), nil
	case "status.hostIP":
		return pod.Status.HostIP, nil
	case "status.hostIPs":
		var ips []string
		for _, ip := range pod.Status.HostIPs {
			ips = append(ips, ip.IP)
		}
		return strings.Join(ips, ","), nil
	}
	return "", fmt.Errorf("the field %s is not known", path)
}

// mapText is how labels and annotations stand in a file.
func mapText(values map[string]string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out.WriteString(key + "=" + strconv.Quote(values[key]) + "\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// resourceOf is a container's limit or request, in units of the divisor, rounded
// up. A request that is not said is 0, a limit the node's, which is not known here:
// https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#fallback-information-for-resource-limits
func resourceOf(pod *corev1.Pod, c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	if ref.ContainerName != "" {
		var err error
		if c, err = container(pod, ref.ContainerName); err != nil {
			return "", err
		}
	}
	which, name, _ := strings.Cut(ref.Resource, ".")
	list := c.Resources.Requests
	if which == "limits" {
		list = c.Resources.Limits
	} else if which != "requests" {
		return "", fmt.Errorf("the resource %s is not known", ref.Resource)
	}
	quantity, said := list[corev1.ResourceName(name)]
	if !said && which == "limits" {
		return "", fmt.Errorf("container %s says no %s; a kubelet would take the node's", c.Name, ref.Resource)
	}
	if name == string(corev1.ResourceCPU) {
		divisor := int64(1000)
		if !ref.Divisor.IsZero() {
			divisor = ref.Divisor.MilliValue()
		}
		return strconv.FormatInt((quantity.MilliValue()+divisor-1)/divisor, 10), nil
	}
	divisor := int64(1)
	if !ref.Divisor.IsZero() {
		divisor = ref.Divisor.Value()
	}
	return strconv.FormatInt((quantity.Value()+divisor-1)/divisor, 10), nil
}
