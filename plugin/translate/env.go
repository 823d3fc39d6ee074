package translate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// environment translates the variables of a container. The virtual kubelet has
// already resolved most of them (docs/contract.md, ENV-1 and ENV-2), and restoreVariables
// has restored what it replaced wrongly. A reference to an object that is left (ENV-9) gets
// the remote name of the object.
func (t *translation) environment(c *corev1.Container) {
	t.escapeValues(c)
	for i := range c.Env {
		t.variable(c.Name, &c.Env[i])
	}
	for i := range c.EnvFrom {
		from := &c.EnvFrom[i]
		user := "envFrom of container " + c.Name
		if ref := from.ConfigMapRef; ref != nil {
			t.translateReference(reference{user: user, kind: kindConfigMap, name: &ref.Name, optional: &ref.Optional})
		}
		if ref := from.SecretRef; ref != nil {
			t.translateReference(reference{user: user, kind: kindSecret, name: &ref.Name, optional: &ref.Optional})
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
		value, ok := localField(t.pod, from.FieldRef.FieldPath)
		if !ok {
			value, ok = t.overlayAddress(from.FieldRef.FieldPath)
		}
		if ok {
			env.ValueFrom = nil
			// The kubelet expands $(VAR) in a value, but not in the value of a field.
			env.Value = escapeDollars(value)
		}
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		t.translateReference(reference{user: user, kind: kindConfigMap, name: &ref.Name, keys: []string{ref.Key}, optional: &ref.Optional})
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		t.translateReference(reference{user: user, kind: kindSecret, name: &ref.Name, keys: []string{ref.Key}, optional: &ref.Optional})
	}
}

// overlayAddress returns the address at which the local cluster reaches a pod with a mesh,
// if the site wants it in variables from status.podIP: the virtual kubelet has written it
// into the status (docs/contract.md, ENV-6).
func (t *translation) overlayAddress(path string) (string, bool) {
	if t.options.Mesh.PodIP != config.OverlayPodIP || path != "status.podIP" && path != "status.podIPs" || !t.setsUpMesh() {
		return "", false
	}
	address := t.pod.Status.PodIP
	return address, address != ""
}
