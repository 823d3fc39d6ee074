package translate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// environment translates the variables of a container. The virtual kubelet has
// already resolved most of them (docs/contract.md, ENV-1 and ENV-2). A reference to
// an object that is left (ENV-9) gets the remote name of the object.
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
		if value, ok := localField(t.pod, from.FieldRef.FieldPath); ok {
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
