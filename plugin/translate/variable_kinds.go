package translate

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// variableKind says how the user set a variable. The values are the names of the fields
// in the API.
type variableKind string

const (
	// kindUnknown: nothing says how the variable was set.
	kindUnknown variableKind = ""
	// kindLiteral: the user wrote the value.
	kindLiteral variableKind = "value"
	// kindInlined: the user did not name the variable. The virtual kubelet took it from
	// a source in envFrom, or added it (docs/contract.md, ENV-1 and ENV-10).
	kindInlined  variableKind = "envFrom"
	kindField    variableKind = "fieldRef"
	kindResource variableKind = "resourceFieldRef"
	kindFile     variableKind = "fileKeyRef"
)

// variableKinds says how the user set the variables of a pod, by container. The map
// does not have a container without information.
//
// The virtual kubelet replaces variables by their values before it sends a pod, but
// metadata.managedFields arrives as the API server wrote it (docs/contract.md,
// CREATE-15). A user can change or remove it, which concerns the user's own pod only.
type variableKinds map[string]map[string]variableKind

func readVariableKinds(pod *corev1.Pod) variableKinds {
	kinds := variableKinds{}
	for i := range pod.ManagedFields {
		set := pod.ManagedFields[i].FieldsV1
		if set == nil {
			continue
		}
		var managed struct {
			Spec struct {
				Containers     map[string]managedContainer `json:"f:containers"`
				InitContainers map[string]managedContainer `json:"f:initContainers"`
			} `json:"f:spec"`
		}
		if json.Unmarshal(set.GetRawBytes(), &managed) != nil {
			continue // as if it were not there
		}
		kinds.add(managed.Spec.Containers)
		kinds.add(managed.Spec.InitContainers)
	}
	return kinds
}

// managedContainer is what managedFields says of a container. The keys of Env are
// k:{"name":"NAME"}.
type managedContainer struct {
	Env map[string]struct {
		Name  *struct{}                  `json:"f:name"`
		Value *struct{}                  `json:"f:value"`
		From  map[string]json.RawMessage `json:"f:valueFrom"`
	} `json:"f:env"`
}

func (k variableKinds) add(containers map[string]managedContainer) {
	for key, container := range containers {
		name, ok := nameOfItem(key)
		if !ok {
			continue
		}
		if k[name] == nil {
			k[name] = map[string]variableKind{}
		}
		for key, fields := range container.Env {
			variable, ok := nameOfItem(key)
			if !ok {
				continue
			}
			// Without any of these fields, the list has the name twice.
			kind := kindUnknown
			if fields.Name != nil || fields.Value != nil {
				kind = kindLiteral
			}
			for field := range fields.From {
				if source, ok := strings.CutPrefix(field, "f:"); ok {
					kind = variableKind(source)
				}
			}
			if k[name][variable] == kindUnknown {
				k[name][variable] = kind
			}
		}
	}
}

// nameOfItem returns NAME of the key k:{"name":"NAME"}.
func nameOfItem(key string) (name string, ok bool) {
	text, ok := strings.CutPrefix(key, "k:")
	if !ok {
		return "", false
	}
	var item struct {
		Name *string `json:"name"`
	}
	if json.Unmarshal([]byte(text), &item) != nil || item.Name == nil {
		return "", false
	}
	return *item.Name, true
}

// of returns the kind of a variable of a container.
func (k variableKinds) of(container, variable string) variableKind {
	variables, known := k[container]
	if !known {
		return kindUnknown
	}
	kind, named := variables[variable]
	if !named {
		return kindInlined
	}
	return kind
}
