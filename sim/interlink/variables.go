package interlink

import (
	"cmp"
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

// resolveVariables changes a pod's variables as the virtual kubelet does before a
// create. InterLink sends the variables of one source in random order; here they
// are sorted, so that two runs are the same. An error means that the virtual kubelet
// never sends the create.
func resolveVariables(pod *corev1.Pod, objects Objects, options Options) error {
	v := variables{pod: pod, objects: objects}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			if options.SkipDownwardAPIResolution {
				addAPIVariables(c, options.KubernetesAPI)
				v.inline(c)
				v.resolveSome(c)
				continue
			}
			if err := v.resolveAll(c); err != nil {
				return err
			}
			addAPIVariables(c, options.KubernetesAPI)
		}
	}
	return nil
}

// addAPIVariables appends the variables with the address at which remote containers
// reach the local API server (docs/contract.md, ENV-10).
func addAPIVariables(c *corev1.Container, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return
	}
	url := "tcp://" + host + ":" + port
	for _, pair := range [][2]string{
		{"KUBERNETES_PORT", url},
		{"KUBERNETES_SERVICE_PORT", port},
		{"KUBERNETES_PORT_443_TCP_ADDR", host},
		{"KUBERNETES_PORT_443_TCP_PORT", port},
		{"KUBERNETES_PORT_443_TCP_PROTO", "tcp"},
		{"KUBERNETES_PORT_443_TCP", url},
		{"KUBERNETES_SERVICE_PORT_HTTPS", port},
		{"KUBERNETES_SERVICE_HOST", host},
	} {
		c.Env = append(c.Env, corev1.EnvVar{Name: pair[0], Value: pair[1]})
	}
}

// variables resolves the variables of one pod.
type variables struct {
	pod     *corev1.Pod
	objects Objects
}

// source returns the variables of an envFrom source.
func (v variables) source(from corev1.EnvFromSource) (values map[string]string, optional bool, err error) {
	values = map[string]string{}
	switch {
	case from.ConfigMapRef != nil:
		optional = ptr.Deref(from.ConfigMapRef.Optional, false)
		object, err := v.objects.configMap(v.pod.Namespace, from.ConfigMapRef.Name)
		if err != nil {
			return nil, optional, err
		}
		for key, value := range object.Data {
			values[from.Prefix+key] = value
		}
	case from.SecretRef != nil:
		optional = ptr.Deref(from.SecretRef.Optional, false)
		object, err := v.objects.secret(v.pod.Namespace, from.SecretRef.Name)
		if err != nil {
			return nil, optional, err
		}
		for key, value := range object.Data {
			values[from.Prefix+key] = string(value)
		}
	}
	return values, optional, nil
}

// key returns the value of one key of a ConfigMap or Secret.
func (v variables) key(from *corev1.EnvVarSource) (value string, optional bool, err error) {
	if ref := from.ConfigMapKeyRef; ref != nil {
		optional = ptr.Deref(ref.Optional, false)
		object, err := v.objects.configMap(v.pod.Namespace, ref.Name)
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
	object, err := v.objects.secret(v.pod.Namespace, ref.Name)
	if err != nil {
		return "", optional, err
	}
	if value, ok := object.Data[ref.Key]; ok {
		return string(value), optional, nil
	}
	return "", optional, fmt.Errorf("the Secret %s has no key %s", ref.Name, ref.Key)
}

// resolveAll is InterLink's default: it replaces every reference by its value, and
// drops optional variables without a value and every resourceFieldRef
// (docs/contract.md, ENV-2 and ENV-4).
func (v variables) resolveAll(c *corev1.Container) error {
	values := map[string]string{}
	var order []string
	set := func(name, value string) {
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		values[name] = value
	}
	for _, from := range c.EnvFrom {
		source, optional, err := v.source(from)
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
			value, optional, err := v.key(from)
			switch {
			case err == nil:
				set(variable.Name, value)
			case !optional:
				return fmt.Errorf("container %s, variable %s: %w", c.Name, variable.Name, err)
			}
		case from.FieldRef != nil:
			value, ok := v.field(from.FieldRef.FieldPath)
			if !ok {
				return fmt.Errorf("container %s, variable %s: the virtual kubelet cannot resolve the field %s; SkipDownwardAPIResolution: true in its configuration lets it send the pod", c.Name, variable.Name, from.FieldRef.FieldPath)
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

// inline replaces envFrom by variables, after those of the pod itself.
func (v variables) inline(c *corev1.Container) {
	own := map[string]bool{}
	for _, variable := range c.Env {
		own[variable.Name] = true
	}
	index := map[string]int{} // of variables that this function appended
	for _, from := range c.EnvFrom {
		source, _, err := v.source(from)
		if err != nil {
			continue // InterLink only logs it, also if the source is not optional
		}
		for _, name := range slices.Sorted(maps.Keys(source)) {
			if own[name] {
				continue
			}
			if i, ok := index[name]; ok {
				c.Env[i].Value = source[name]
				continue
			}
			index[name] = len(c.Env)
			c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: source[name]})
		}
	}
	c.EnvFrom = nil
}

// resolveSome is what InterLink does under SkipDownwardAPIResolution: $(VAR) stays,
// a field that InterLink does not know becomes empty, and a reference that cannot be
// resolved stays (docs/contract.md, ENV-5 to ENV-9).
func (v variables) resolveSome(c *corev1.Container) {
	for i := range c.Env {
		from := c.Env[i].ValueFrom
		if from == nil {
			continue
		}
		value, ok := "", false
		switch {
		case from.FieldRef != nil:
			value, ok = v.knownField(from.FieldRef.FieldPath)
		case from.ConfigMapKeyRef != nil || from.SecretKeyRef != nil:
			var err error
			value, _, err = v.key(from)
			ok = err == nil
		case from.ResourceFieldRef != nil:
			value, ok = v.resource(c, from.ResourceFieldRef)
		}
		if ok {
			c.Env[i].Value, c.Env[i].ValueFrom = value, nil
		}
	}
}

// field returns the value of a fieldRef. InterLink knows no address of the pod at
// this time (docs/contract.md, ENV-3).
func (v variables) field(path string) (string, bool) {
	if strings.HasPrefix(path, "status.") {
		return "", false
	}
	value, err := podspec.Field(v.pod, path)
	return value, err == nil
}

// knownField returns the value of a fieldRef under SkipDownwardAPIResolution, where
// InterLink knows few fields (docs/contract.md, ENV-6 and ENV-7).
func (v variables) knownField(path string) (string, bool) {
	if key, ok := podspec.AnnotationKey(path); ok {
		value, ok := v.pod.Annotations[key]
		return value, ok
	}
	switch path {
	case "status.podIP", "metadata.name", "metadata.namespace", "metadata.uid":
		value, err := podspec.Field(v.pod, path)
		return value, err == nil
	}
	return "", true
}

// resource returns a limit or request as the pod spells it, or 0 if it is not set; InterLink
// ignores the divisor and init containers (docs/contract.md, ENV-8).
func (v variables) resource(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, bool) {
	name := cmp.Or(ref.ContainerName, c.Name)
	i := slices.IndexFunc(v.pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
	kind, resource, found := strings.Cut(ref.Resource, ".")
	if i < 0 || !found || strings.Contains(resource, ".") {
		return "", false
	}
	lists := map[string]corev1.ResourceList{
		"limits": v.pod.Spec.Containers[i].Resources.Limits, "requests": v.pod.Spec.Containers[i].Resources.Requests,
	}
	list, ok := lists[kind]
	quantity := list[corev1.ResourceName(resource)] // 0 if it is not set
	return quantity.String(), ok
}
