package virtualkubelet

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// resolveEnv does to a pod's environment what the virtual kubelet does before a
// create. The real one emits variables of one source in random order; here they
// are sorted, so that a run can be repeated. An error means that the virtual
// kubelet never sends the create.
func resolveEnv(pod *corev1.Pod, objects Objects, options Options) error {
	e := environment{pod: pod, objects: objects}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			if options.SkipDownwardAPIResolution {
				addAPIVariables(c, options.KubernetesAPI)
				e.inline(c)
				e.resolveSome(c)
				continue
			}
			if err := e.resolveAll(c); err != nil {
				return err
			}
			addAPIVariables(c, options.KubernetesAPI)
		}
	}
	return nil
}

// addAPIVariables appends where the local API server is reached from remote.
func addAPIVariables(c *corev1.Container, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return
	}
	url := "tcp://" + host + ":" + port
	for _, v := range [][2]string{
		{"KUBERNETES_PORT", url},
		{"KUBERNETES_SERVICE_PORT", port},
		{"KUBERNETES_PORT_443_TCP_ADDR", host},
		{"KUBERNETES_PORT_443_TCP_PORT", port},
		{"KUBERNETES_PORT_443_TCP_PROTO", "tcp"},
		{"KUBERNETES_PORT_443_TCP", url},
		{"KUBERNETES_SERVICE_PORT_HTTPS", port},
		{"KUBERNETES_SERVICE_HOST", host},
	} {
		c.Env = append(c.Env, corev1.EnvVar{Name: v[0], Value: v[1]})
	}
}

// environment resolves the variables of one pod.
type environment struct {
	pod     *corev1.Pod
	objects Objects
}

// source returns the variables of an envFrom.
func (e environment) source(from corev1.EnvFromSource) (values map[string]string, optional bool, err error) {
	values = map[string]string{}
	switch {
	case from.ConfigMapRef != nil:
		optional = ptr.Deref(from.ConfigMapRef.Optional, false)
		object, err := e.objects.configMap(e.pod.Namespace, from.ConfigMapRef.Name)
		if err != nil {
			return nil, optional, err
		}
		for key, value := range object.Data {
			values[from.Prefix+key] = value
		}
	case from.SecretRef != nil:
		optional = ptr.Deref(from.SecretRef.Optional, false)
		object, err := e.objects.secret(e.pod.Namespace, from.SecretRef.Name)
		if err != nil {
			return nil, optional, err
		}
		for key, value := range object.Data {
			values[from.Prefix+key] = string(value)
		}
	}
	return values, optional, nil
}

// key returns one value of a ConfigMap or Secret.
func (e environment) key(from *corev1.EnvVarSource) (value string, optional bool, err error) {
	if ref := from.ConfigMapKeyRef; ref != nil {
		optional = ptr.Deref(ref.Optional, false)
		object, err := e.objects.configMap(e.pod.Namespace, ref.Name)
		if err != nil {
			return "", optional, err
		}
		if value, ok := object.Data[ref.Key]; ok {
			return value, optional, nil
		}
		return "", optional, fmt.Errorf("the ConfigMap %s has no key %s", ref.Name, ref.Key)
	}
	ref := from.SecretKeyRef
	optional = ptr.Deref(ref.Optional, false)
	object, err := e.objects.secret(e.pod.Namespace, ref.Name)
	if err != nil {
		return "", optional, err
	}
	if value, ok := object.Data[ref.Key]; ok {
		return string(value), optional, nil
	}
	return "", optional, fmt.Errorf("the Secret %s has no key %s", ref.Name, ref.Key)
}

// resolveAll is the default: no reference is left, and what has no value but
// need not have one is dropped. So is every resourceFieldRef.
func (e environment) resolveAll(c *corev1.Container) error {
	values := map[string]string{}
	var order []string
	set := func(name, value string) {
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		values[name] = value
	}
	for _, from := range c.EnvFrom {
		source, optional, err := e.source(from)
		if err != nil && !optional {
			return fmt.Errorf("container %s: %w", c.Name, err)
		}
		for _, name := range slices.Sorted(maps.Keys(source)) {
			if len(validation.IsEnvVarName(name)) == 0 {
				set(name, source[name])
			}
		}
	}
	for _, variable := range c.Env {
		from := variable.ValueFrom
		switch {
		case from == nil:
			set(variable.Name, podspec.Expand(variable.Value, values))
		case from.ConfigMapKeyRef != nil || from.SecretKeyRef != nil:
			value, optional, err := e.key(from)
			switch {
			case err == nil:
				set(variable.Name, value)
			case !optional:
				return fmt.Errorf("container %s, variable %s: %w", c.Name, variable.Name, err)
			}
		case from.FieldRef != nil:
			value, ok := e.field(from.FieldRef.FieldPath)
			if !ok {
				return fmt.Errorf("container %s, variable %s: no field %s", c.Name, variable.Name, from.FieldRef.FieldPath)
			}
			set(variable.Name, value)
		}
	}
	c.EnvFrom, c.Env = nil, nil
	for _, name := range order {
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: values[name]})
	}
	return nil
}

// inline replaces envFrom by variables behind those that the pod has itself.
func (e environment) inline(c *corev1.Container) {
	own := map[string]bool{}
	for _, variable := range c.Env {
		own[variable.Name] = true
	}
	at := map[string]int{}
	for _, from := range c.EnvFrom {
		source, _, err := e.source(from)
		if err != nil {
			continue // it is only logged, optional or not
		}
		for _, name := range slices.Sorted(maps.Keys(source)) {
			if own[name] {
				continue
			}
			if i, ok := at[name]; ok {
				c.Env[i].Value = source[name]
				continue
			}
			at[name] = len(c.Env)
			c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: source[name]})
		}
	}
	c.EnvFrom = nil
}

// resolveSome is SkipDownwardAPIResolution: $(VAR) stays, a field that it does
// not know becomes empty, and what cannot be resolved keeps its reference.
func (e environment) resolveSome(c *corev1.Container) {
	for i := range c.Env {
		from := c.Env[i].ValueFrom
		if from == nil {
			continue
		}
		value, ok := "", false
		switch {
		case from.FieldRef != nil:
			value, ok = e.fewFields(from.FieldRef.FieldPath)
		case from.ConfigMapKeyRef != nil || from.SecretKeyRef != nil:
			var err error
			value, _, err = e.key(from)
			ok = err == nil
		case from.ResourceFieldRef != nil:
			value, ok = e.resource(c, from.ResourceFieldRef)
		}
		if ok {
			c.Env[i].Value, c.Env[i].ValueFrom = value, nil
		}
	}
}

// field is the value of a variable's fieldRef. Addresses are not among them: the
// virtual kubelet has none yet.
func (e environment) field(path string) (string, bool) {
	if strings.HasPrefix(path, "status.") {
		return "", false
	}
	value, err := podspec.Field(e.pod, path)
	return value, err == nil
}

// fewFields is the same under SkipDownwardAPIResolution.
func (e environment) fewFields(path string) (string, bool) {
	if key, ok := podspec.AnnotationKey(path); ok {
		value, ok := e.pod.Annotations[key]
		return value, ok
	}
	switch path {
	case "status.podIP", "metadata.name", "metadata.namespace", "metadata.uid":
		value, err := podspec.Field(e.pod, path)
		return value, err == nil
	}
	return "", true
}

// resource is a limit or request as it is written; the divisor is not honoured.
func (e environment) resource(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, bool) {
	name := ref.ContainerName
	if name == "" {
		name = c.Name
	}
	// Init containers are not looked for.
	i := slices.IndexFunc(e.pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
	kind, resource, found := strings.Cut(ref.Resource, ".")
	if i < 0 || !found || strings.Contains(resource, ".") {
		return "", false
	}
	lists := map[string]corev1.ResourceList{
		"limits": e.pod.Spec.Containers[i].Resources.Limits, "requests": e.pod.Spec.Containers[i].Resources.Requests,
	}
	list, ok := lists[kind]
	quantity := list[corev1.ResourceName(resource)]
	return quantity.String(), ok
}
