package translate

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// environment makes the variables of a container mean remotely what they mean
// locally. The virtual kubelet has inlined what it could; what refers to an
// object still (contract, section 1) follows the object's new name.
func (t *translation) environment(c *corev1.Container) {
	for i := range c.Env {
		t.variable(c.Name, &c.Env[i])
	}
	for i := range c.EnvFrom {
		from := &c.EnvFrom[i]
		if ref := from.ConfigMapRef; ref != nil {
			t.reference(fmt.Sprintf("envFrom of container %s", c.Name), "ConfigMap", &ref.Name,
				find(t.sources.configMaps, ref.Name) != nil, ref.Optional)
		}
		if ref := from.SecretRef; ref != nil {
			t.reference(fmt.Sprintf("envFrom of container %s", c.Name), "Secret", &ref.Name,
				find(t.sources.secrets, ref.Name) != nil, ref.Optional)
		}
	}
}

func (t *translation) variable(container string, env *corev1.EnvVar) {
	from := env.ValueFrom
	if from == nil {
		return
	}
	user := fmt.Sprintf("variable %s of container %s", env.Name, container)
	switch {
	case from.FieldRef != nil:
		if value, ok := localField(t.pod, from.FieldRef.FieldPath); ok {
			env.ValueFrom = nil
			// A value is expanded, the value of a field is not.
			env.Value = strings.ReplaceAll(value, "$", "$$")
		}
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		t.reference(user, "ConfigMap", &ref.Name, find(t.sources.configMaps, ref.Name) != nil, ref.Optional)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		t.reference(user, "Secret", &ref.Name, find(t.sources.secrets, ref.Name) != nil, ref.Optional)
	}
}

// reference lets a reference follow its object's new name. An object that never
// came is no problem where it is optional; else no remote pod could start.
func (t *translation) reference(user, kind string, name *string, came bool, optional *bool) {
	if !came && !ptr.Deref(optional, false) {
		t.problem("%s needs %s %s, which InterLink did not send (does it exist in namespace %s?)",
			user, kind, *name, t.pod.Namespace)
		return
	}
	*name = t.name(*name)
}

// localField returns the value of a field that must keep meaning the local pod:
// its name, namespace, UID, labels and annotations. Other fields (the node's
// name, the pod's address) mean the remote pod and are left to its kubelet.
//
// Paths are those of the downward API:
// https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
func localField(pod *corev1.Pod, path string) (string, bool) {
	switch path {
	case "metadata.name":
		return pod.Name, true
	case "metadata.namespace":
		return pod.Namespace, true
	case "metadata.uid":
		return string(pod.UID), true
	case "metadata.labels":
		return formatMap(pod.Labels), true
	case "metadata.annotations":
		return formatMap(pod.Annotations), true
	}
	if key, ok := subscript(path, "metadata.labels"); ok {
		return pod.Labels[key], true
	}
	if key, ok := subscript(path, "metadata.annotations"); ok {
		return pod.Annotations[key], true
	}
	return "", false
}

// subscript returns key of "field['key']".
func subscript(path, field string) (string, bool) {
	rest, ok := strings.CutPrefix(path, field+"['")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "']")
}
