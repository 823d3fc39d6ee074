package inspect_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

func TestLocalPodOfAnObject(t *testing.T) {
	for _, test := range []struct {
		name   string
		object metav1.ObjectMeta
		uid    types.UID
		want   bool
	}{
		{"label value", metav1.ObjectMeta{Labels: map[string]string{"x": "u-1"}}, "u-1", true},
		{"annotation value", metav1.ObjectMeta{Annotations: map[string]string{"x": "u-1"}}, "u-1", true},
		{"part of the name", metav1.ObjectMeta{Name: "pod-u-1-main"}, "u-1", true},
		{"part of the name of an owner", metav1.ObjectMeta{Name: "shared", OwnerReferences: []metav1.OwnerReference{{Name: "other"}, {Name: "pod-u-1"}}}, "u-1", true},
		{"part of an annotation value", metav1.ObjectMeta{Annotations: map[string]string{"x": "of u-1"}}, "u-1", false},
		{"label key", metav1.ObjectMeta{Labels: map[string]string{"u-1": ""}}, "u-1", false},
		{"another UID", metav1.ObjectMeta{Name: "u-2", Labels: map[string]string{"x": "u-2"}}, "u-1", false},
		{"the object's own UID", metav1.ObjectMeta{UID: "u-1"}, "u-1", false},
		{"empty UID", metav1.ObjectMeta{Name: "u-1", Labels: map[string]string{"x": ""}}, "", false},
	} {
		uid, got := inspect.NewLocalPods([]types.UID{"u-3", test.uid}).UIDOf(&test.object)
		if got != test.want || got && uid != test.uid {
			t.Errorf("%s: UIDOf returns %q, %v; want %v", test.name, uid, got, test.want)
		}
	}
}
