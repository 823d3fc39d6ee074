package translate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// requestOf returns the request of a pod with one container, whose managed fields have these
// texts for the variables.
func requestOf(managed string, env ...corev1.EnvVar) *wire.CreateRequest {
	request := &wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "pod", Namespace: "demo", UID: "d79a7133-4d2b-45cb-8528-b69109c03527",
			Labels: map[string]string{"tier": "front", "ray.io/cluster": "big"},
		},
		Spec: corev1.PodSpec{NodeName: "vnode", Containers: []corev1.Container{{Name: "main", Image: "busybox", Env: env}}},
	}}
	if managed != "" {
		request.Pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(
			`{"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{"f:env":{` + managed + `}}}}}`)}}
	}
	return request
}

func kindOf(name, kind string) string {
	return `"k:{\"name\":\"` + name + `\"}":{"f:name":{},"f:valueFrom":{".":{},"f:` + kind + `":{}}}`
}

// A create waits for the original pod only where nothing else says for sure what a variable
// means: the wait costs each pod some seconds.
func TestNeedsOriginal(t *testing.T) {
	applied := func(r *wire.CreateRequest) {
		r.Pod.Annotations = map[string]string{wire.AnnotationLastApplied: `{"kind":"Pod","spec":{"containers":[{"name":"main","env":[` +
			`{"name":"TIER","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['tier']"}}},` +
			`{"name":"MEMORY","valueFrom":{"resourceFieldRef":{"resource":"limits.memory"}}}]}]}}`}
	}
	resolved := func(r *wire.CreateRequest) {
		r.Pod.ManagedFields[0].FieldsV1 = metav1.NewFieldsV1(
			`{"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{"f:env":{` + kindOf("TIER", "fieldRef") + `,` + kindOf("OPTIONAL", "secretKeyRef") + `}}}}}`)
	}
	for _, test := range []struct {
		name    string
		request *wire.CreateRequest
		change  func(*wire.CreateRequest)
		want    bool
	}{
		{"no variables", requestOf(""), nil, false},
		{"no managed fields", requestOf("", corev1.EnvVar{Name: "A", Value: "front"}), nil, false},
		{"no managed fields, and empty", requestOf("", corev1.EnvVar{Name: "TIER"}), nil, true},
		{"no managed fields, and an address", requestOf("", corev1.EnvVar{Name: "IP", Value: "127.0.0.1"}), nil, true},
		{"no managed fields, and kubectl's copy", requestOf("", corev1.EnvVar{Name: "TIER"}, corev1.EnvVar{Name: "IP", Value: "127.0.0.1"}), applied, false},
		{"a field with a value", requestOf(kindOf("TIER", "fieldRef"), corev1.EnvVar{Name: "TIER", Value: "front"}), nil, false},
		{"an empty field", requestOf(kindOf("TIER", "fieldRef"), corev1.EnvVar{Name: "TIER"}), nil, true},
		{"an empty field in kubectl's copy", requestOf(kindOf("TIER", "fieldRef"), corev1.EnvVar{Name: "TIER"}), applied, false},
		{"an empty field, where the variables are resolved", requestOf(kindOf("TIER", "fieldRef"), corev1.EnvVar{Name: "TIER"}), resolved, false},
		{"a field that is not resolved", requestOf(kindOf("TIER", "fieldRef"), corev1.EnvVar{
			Name: "TIER", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['none']"}},
		}), nil, false},
		{"a usual name", requestOf(kindOf("NODE_NAME", "fieldRef"), corev1.EnvVar{Name: "NODE_NAME"}), nil, true},
		{"a name that only a controller uses", requestOf(kindOf("RAY_CLUSTER_NAME", "fieldRef"), corev1.EnvVar{Name: "RAY_CLUSTER_NAME"}), nil, false},
		{"the address", requestOf(kindOf("IP", "fieldRef"), corev1.EnvVar{Name: "IP", Value: "127.0.0.1"}), nil, false},
		{"the address of the shadow pod", requestOf(kindOf("IP", "fieldRef"), corev1.EnvVar{Name: "IP", Value: "10.244.1.77"}),
			func(r *wire.CreateRequest) { r.Pod.Status.PodIP = "10.244.1.77" }, false},
		{"an annotation with the address", requestOf(kindOf("IP", "fieldRef"), corev1.EnvVar{Name: "IP", Value: "127.0.0.1"}),
			func(r *wire.CreateRequest) { r.Pod.Annotations = map[string]string{"ip": "127.0.0.1"} }, true},
		{"a literal", requestOf(`"k:{\"name\":\"IP\"}":{"f:name":{},"f:value":{}}`, corev1.EnvVar{Name: "IP"}), nil, false},
		{"a resource", requestOf(kindOf("MEMORY", "resourceFieldRef"), corev1.EnvVar{Name: "MEMORY", Value: "1Gi"}), nil, true},
		{"a resource in kubectl's copy", requestOf(kindOf("MEMORY", "resourceFieldRef"), corev1.EnvVar{Name: "MEMORY", Value: "1Gi"}), applied, false},
		{"a resource that is left out", requestOf(kindOf("MEMORY", "resourceFieldRef")), nil, true},
		{"a resource that is left out, in kubectl's copy", requestOf(kindOf("MEMORY", "resourceFieldRef")), applied, false},
		{"an optional key that is left out", requestOf(kindOf("KEY", "secretKeyRef")), nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.change != nil {
				test.change(test.request)
			}
			before := test.request.Pod.DeepCopy()
			options := translate.Options{Scope: scope.Scope{Instance: "default"}}
			if got := translate.NeedsOriginal(test.request, options); got != test.want {
				t.Errorf("NeedsOriginal returns %t, want %t", got, test.want)
			}
			if diff := cmp.Diff(before, &test.request.Pod); diff != "" {
				t.Errorf("the request was modified (-before +after)\n%s", diff)
			}
		})
	}
}

// A site that says that variables are resolved needs no original for fields.
func TestNeedsOriginalWithToldMode(t *testing.T) {
	request := requestOf(kindOf("TIER", "fieldRef"), corev1.EnvVar{Name: "TIER"})
	var options translate.Options
	options.Variables = config.VariablesResolved
	if translate.NeedsOriginal(request, options) {
		t.Error("the original is needed, although the virtual kubelet resolves fields")
	}
}

// What is taken from an original pod holds no value and no reference to an object.
func TestOriginalVariables(t *testing.T) {
	field := corev1.EnvVar{Name: "F", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}
	resource := corev1.EnvVar{Name: "R", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}}
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "init", Env: []corev1.EnvVar{resource}}},
		Containers: []corev1.Container{{Name: "plain", Env: []corev1.EnvVar{{Name: "V", Value: "v"}}}, {Name: "main", Env: []corev1.EnvVar{
			{Name: "V", Value: "v"}, {Name: "EMPTY", ValueFrom: &corev1.EnvVarSource{}},
			{Name: "F", Value: "v", ValueFrom: &corev1.EnvVarSource{FieldRef: field.ValueFrom.FieldRef, SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}},
			{Name: "C", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{Key: "k"}}},
			{Name: "S", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}},
		}}},
	}}
	want := []wire.OriginalContainer{{Name: "init", Env: []corev1.EnvVar{resource}}, {Name: "main", Env: []corev1.EnvVar{field}}}
	if diff := cmp.Diff(want, translate.OriginalVariables(pod)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
