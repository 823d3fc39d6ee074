package translate

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// variableKinds says how the user set the variables, as far as managedFields say it.
func (t *translation) variableKinds() variableKinds {
	if t.kinds == nil {
		t.kinds = readVariableKinds(t.pod)
	}
	return t.kinds
}

// isStripped reports whether a client or a webhook has removed managedFields from the pod. Then what
// the user wrote says which variables come from fields of the pod (docs/contract.md, ENV-14).
func (t *translation) isStripped() bool { return len(t.pod.ManagedFields) == 0 }

// kindOf returns how the user set a variable of a container.
func (t *translation) kindOf(container, variable string) variableKind {
	if t.isStripped() {
		return kindOfSource(t.declared(container, variable))
	}
	return t.variableKinds().of(container, variable)
}

func kindOfSource(from *corev1.EnvVarSource) variableKind {
	switch {
	case from == nil:
	case from.FieldRef != nil:
		return kindField
	case from.ResourceFieldRef != nil:
		return kindResource
	case from.FileKeyRef != nil:
		return kindFile
	}
	return kindUnknown
}

// namedVariables returns the names of the variables that the user wrote for a container, in order.
func (t *translation) namedVariables(container string) []string {
	names := map[string]bool{}
	for name := range t.variableKinds()[container] {
		names[name] = true
	}
	if t.isStripped() {
		for _, c := range slices.Concat(t.applied(), t.originalContainers) {
			for _, variable := range c.Env {
				if c.Name == container {
					names[variable.Name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// mayBeField reports whether only the original pod would say if a variable comes from a field of the
// pod: nothing else says what the user wrote, and it arrived as the virtual kubelet sends a field that
// it does not know (ENV-6 and ENV-7).
func (t *translation) mayBeField(container string, variable corev1.EnvVar) bool {
	if !t.isStripped() || variable.ValueFrom != nil || t.variableMode() == config.VariablesResolved ||
		variable.Value != "" && variable.Value != "127.0.0.1" && variable.Value != t.pod.Status.PodIP {
		return false
	}
	return !slices.ContainsFunc(t.applied(), func(c wire.OriginalContainer) bool { return c.Name == container })
}
