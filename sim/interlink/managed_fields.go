package interlink

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fields is a set of fields in the form of metadata.managedFields.
type fields map[string]any

// managedFields returns what the local API server writes about the variables of a pod: the
// kind of the source of each, not which object or field it is (docs/contract.md, CREATE-15).
// It leaves out all other fields, since no plugin needs them.
func managedFields(spec *corev1.PodSpec) []metav1.ManagedFieldsEntry {
	set := fields{}
	if len(spec.InitContainers) > 0 {
		set["f:initContainers"] = fieldsOf(spec.InitContainers)
	}
	set["f:containers"] = fieldsOf(spec.Containers)
	raw, err := json.Marshal(fields{"f:spec": set})
	if err != nil {
		panic(err) // impossible: maps with texts as keys
	}
	return []metav1.ManagedFieldsEntry{{
		Manager: "kubectl-client-side-apply", Operation: metav1.ManagedFieldsOperationUpdate,
		APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(string(raw)),
	}}
}

func fieldsOf(containers []corev1.Container) fields {
	set := fields{}
	for _, c := range containers {
		container := fields{".": fields{}, "f:name": fields{}}
		if len(c.EnvFrom) > 0 {
			container["f:envFrom"] = fields{}
		}
		if len(c.Env) > 0 {
			env := fields{".": fields{}}
			for _, variable := range c.Env {
				env[itemKey(variable.Name)] = fieldsOfVariable(variable)
			}
			container["f:env"] = env
		}
		set[itemKey(c.Name)] = container
	}
	return set
}

// itemKey is the key of a list item that its name identifies.
func itemKey(name string) string {
	key, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		panic(err) // impossible: a map of texts
	}
	return "k:" + string(key)
}

func fieldsOfVariable(variable corev1.EnvVar) fields {
	set := fields{".": fields{}, "f:name": fields{}}
	if variable.Value != "" {
		set["f:value"] = fields{}
	}
	if from := variable.ValueFrom; from != nil {
		source := fields{".": fields{}}
		for name, isSet := range map[string]bool{
			"f:fieldRef": from.FieldRef != nil, "f:resourceFieldRef": from.ResourceFieldRef != nil,
			"f:configMapKeyRef": from.ConfigMapKeyRef != nil, "f:secretKeyRef": from.SecretKeyRef != nil,
			"f:fileKeyRef": from.FileKeyRef != nil,
		} {
			if isSet {
				source[name] = fields{}
			}
		}
		set["f:valueFrom"] = source
	}
	return set
}
