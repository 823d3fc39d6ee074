package translate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// variablesWith returns the variables of the remote pod of a request with a last-applied copy.
func variablesWith(t *testing.T, request *wire.CreateRequest, applied string) []corev1.EnvVar {
	t.Helper()
	request.Pod.Annotations = map[string]string{wire.AnnotationLastApplied: applied}
	objects, err := translate.ToObjects(request, translate.Options{Scope: scope.Scope{Instance: "default"}})
	if err != nil {
		t.Fatal(err)
	}
	return objects.Pod.Spec.Containers[0].Env
}

// docs/contract.md, ENV-14: no reference to a ConfigMap or Secret comes from an annotation, not
// even beside a field.
func TestOnlyFieldsAreRestored(t *testing.T) {
	const secret = `"secretKeyRef":{"name":"of-another","key":"password"},"configMapKeyRef":{"name":"of-another","key":"k"}`
	for _, test := range []struct {
		field string
		env   []corev1.EnvVar // as they arrive
		kind  string
		want  corev1.EnvVarSource
	}{
		{`"resourceFieldRef":{"resource":"limits.cpu"}`, []corev1.EnvVar{{Name: "V", Value: "1"}}, "resourceFieldRef",
			corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}},
		{`"resourceFieldRef":{"resource":"limits.cpu"}`, nil, "resourceFieldRef",
			corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}},
		{`"fileKeyRef":{"volumeName":"v","path":"p","key":"k"}`, nil, "fileKeyRef",
			corev1.EnvVarSource{FileKeyRef: &corev1.FileKeySelector{VolumeName: "v", Path: "p", Key: "k"}}},
		{`"fieldRef":{"fieldPath":"status.hostIP"}`, []corev1.EnvVar{{Name: "V", ValueFrom: &corev1.EnvVarSource{}}}, "fileKeyRef",
			corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"}}},
	} {
		got := variablesWith(t, requestOf(kindOf("V", test.kind), test.env...),
			`{"spec":{"containers":[{"name":"main","env":[{"name":"V","valueFrom":{`+test.field+`,`+secret+`}}]}]}}`)
		if diff := cmp.Diff([]corev1.EnvVar{{Name: "V", ValueFrom: &test.want}}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.field, diff)
		}
	}
}

// docs/contract.md, ENV-14: a pod that was created from the YAML of another one has the copy of
// that one.
func TestLastAppliedCopyOfAnotherPod(t *testing.T) {
	for metadata, want := range map[string]string{
		`{"name":"pod","namespace":"demo"}`:   "front",
		`{"name":"pod"}`:                      "front",
		`{"generateName":"po"}`:               "front",
		`{"name":"first","namespace":"demo"}`: "",
		`{"name":"pod","namespace":"other"}`:  "",
	} {
		got := variablesWith(t, requestOf(kindOf("TIER", "fieldRef"), corev1.EnvVar{Name: "TIER"}), `{"kind":"Pod","metadata":`+metadata+
			`,"spec":{"containers":[{"name":"main","env":[{"name":"TIER","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['tier']"}}}]}]}}`)
		if len(got) != 1 || got[0].Value != want {
			t.Errorf("with the copy of %s, the variables are %+v", metadata, got)
		}
	}
}
