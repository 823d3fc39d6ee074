package inspect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// What is left says whether an owner keeps it, and the collector has work only if one
// does not.
func TestLeftObjectsAndTheirOwners(t *testing.T) {
	object := func(name string, kind string, owners ...types.UID) metav1.ObjectMeta {
		meta := metav1.ObjectMeta{Namespace: "ns", Name: name}
		for _, uid := range owners {
			meta.OwnerReferences = append(meta.OwnerReferences, metav1.OwnerReference{Kind: kind, UID: uid})
		}
		return meta
	}
	snapshot := &inspect.Snapshot{
		Pods: []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", UID: "lives"}}},
		ConfigMaps: []corev1.ConfigMap{
			{ObjectMeta: object("free", "")}, {ObjectMeta: object("owned", "Pod", "gone", "lives")}, {ObjectMeta: object("other", "ConfigMap", "gone")},
		},
	}
	if snapshot.Abandoned() {
		t.Error("the collector has work, although each owner exists or is not a pod")
	}
	snapshot.Secrets = []corev1.Secret{{ObjectMeta: object("abandoned", "Pod", "gone")}}
	if !snapshot.Abandoned() {
		t.Error("the collector has no work, although an owner is gone")
	}
	for kind, want := range map[string][]string{
		"Pod":       {"ns/p"},
		"ConfigMap": {"ns/free (it has no owner)", "ns/owned", "ns/other"},
		"Secret":    {"ns/abandoned (its owner is gone, and the garbage collector has not deleted it)"},
		"Service":   nil,
	} {
		if diff := cmp.Diff(want, snapshot.LeftNames(kind)); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
}
