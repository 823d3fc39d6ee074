package scope_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func TestOwned(t *testing.T) {
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "remote", Name: name} }
	pod := func(annotations map[string]string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "remote", Name: "pod", Annotations: annotations}}
	}
	objects := []metav1.Object{
		&corev1.ConfigMap{ObjectMeta: meta("one.crt-1")}, &corev1.Secret{ObjectMeta: meta("two-1")}, &corev1.Service{ObjectMeta: meta("bastion-1")},
	}
	list := scope.OwnedList(objects)
	if want := "configmaps/one.crt-1,secrets/two-1,services/bastion-1"; list != want {
		t.Errorf("OwnedList returns %q, want %q", list, want)
	}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want []metav1.Object
		ok   bool
	}{
		{"all kinds", pod(map[string]string{wire.AnnotationOwned: list}), objects, true},
		{"nothing", pod(map[string]string{wire.AnnotationOwned: scope.OwnedList(nil)}), nil, true},
		{"an earlier version", pod(nil), nil, false},
		{"not written by the plugin", pod(map[string]string{wire.AnnotationOwned: "nodes/n,secrets,secrets/,,/x"}), nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := scope.Owned(test.pod)
			if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
				t.Errorf("Owned returns ok %v, want %v (-want +got)\n%s", ok, test.ok, diff)
			}
		})
	}
}
