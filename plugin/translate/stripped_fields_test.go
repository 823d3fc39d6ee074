package translate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func ofField(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
}

func ofResource(resource string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: resource}}
}

// docs/contract.md, ENV-14: where a client or a webhook has removed managedFields, what the user wrote says that a
// variable came from a field of the pod. It never says so of an object. What managedFields say comes first.
func TestVariablesWithoutManagedFields(t *testing.T) {
	const applied = `{"kind":"Pod","spec":{"containers":[{"name":"main","env":[
		{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
		{"name":"TIER","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['tier']"}}},
		{"name":"MEMORY","valueFrom":{"resourceFieldRef":{"resource":"limits.memory"}}},
		{"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}},
		{"name":"KEY","valueFrom":{"secretKeyRef":{"name":"of-another","key":"password"}}},
		{"name":"LOCALHOST","value":"127.0.0.1"}]}]}}`
	original := []wire.OriginalContainer{{Name: "main", Env: []corev1.EnvVar{
		{Name: "IP", ValueFrom: ofField("status.podIP")}, {Name: "TIER", ValueFrom: ofField("metadata.labels['tier']")},
		{Name: "MEMORY", ValueFrom: ofResource("limits.memory")}, {Name: "CPU", ValueFrom: ofResource("limits.cpu")},
		{Name: "KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "password"}}},
	}}}
	arrived := []corev1.EnvVar{ // CPU does not arrive
		{Name: "IP", Value: "127.0.0.1"}, {Name: "TIER"}, {Name: "MEMORY", Value: "1Gi"}, {Name: "KEY", Value: "x"}, {Name: "LOCALHOST", Value: "127.0.0.1"},
	}
	restored := []corev1.EnvVar{
		{Name: "CPU", ValueFrom: ofResource("limits.cpu")},
		{Name: "IP", ValueFrom: ofField("status.podIP")}, {Name: "TIER", Value: "front"},
		{Name: "MEMORY", ValueFrom: ofResource("limits.memory")}, {Name: "KEY", Value: "x"}, {Name: "LOCALHOST", Value: "127.0.0.1"},
	}
	literal := `"k:{\"name\":\"IP\"}":{"f:name":{},"f:value":{}}`
	for _, test := range []struct {
		name, managed, applied string
		original               []wire.OriginalContainer
		want                   []corev1.EnvVar
	}{
		{"kubectl's copy", "", applied, nil, restored},
		{"the pod in a status body", "", "", original, restored},
		{"neither", "", "", nil, arrived},
		{"managedFields say that it is a value", literal, applied, original, arrived},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := requestOf(test.managed, arrived...)
			request.Original = test.original
			request.Pod.Annotations = map[string]string{wire.AnnotationLastApplied: test.applied}
			objects, err := translate.ToObjects(request, translate.Options{Scope: scope.Scope{Instance: "default"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, objects.Pod.Spec.Containers[0].Env); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(objects.Warnings) > 0 {
				t.Errorf("warnings: %q", objects.Warnings)
			}
		})
	}
}
