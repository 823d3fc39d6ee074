package inspect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// podOfSources mounts two of its three volumes, one of them in an init container, and
// has variables of both kinds.
const podOfSources = `
  volumes:
  - {name: one, secret: {secretName: one}}
  - {name: many, projected: {sources: [{configMap: {name: two}}, {secret: {name: three}}, {downwardAPI: {items: [{path: p, fieldRef: {fieldPath: metadata.name}}]}}]}}
  - {name: unused, configMap: {name: unused}}
  containers:
  - name: main
    volumeMounts: [{name: one, mountPath: /one}]
    envFrom: [{configMapRef: {name: four}}, {secretRef: {name: five}}]
    env:
    - {name: A, value: plain}
    - {name: B, valueFrom: {secretKeyRef: {name: six, key: k}}}
    - {name: C, valueFrom: {configMapKeyRef: {name: seven, key: k}}}
    - {name: D, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - name: other
    volumeMounts: [{name: one, mountPath: /one}, {name: many, mountPath: /many}]
`

func TestSourcesOfVolumesAndVariables(t *testing.T) {
	pod := parsePod(t, podOfSources)
	want := inspect.Sources{ConfigMaps: []string{"two"}, Secrets: []string{"one", "three"}}
	if diff := cmp.Diff(want, inspect.VolumeSources(pod)); diff != "" {
		t.Error("volumes", diff)
	}
	want = inspect.Sources{ConfigMaps: []string{"four", "seven"}, Secrets: []string{"five", "six"}}
	if diff := cmp.Diff(want, inspect.VariableSources(&pod.Spec.Containers[0])); diff != "" {
		t.Error("variables", diff)
	}
	if !inspect.VariableSources(&pod.Spec.Containers[1]).Empty() {
		t.Error("a container without variables has sources")
	}
}

// A snapshot of sources has those that exist in the namespace of the pod.
func TestTakeSources(t *testing.T) {
	meta := metav1.ObjectMeta{Name: "here", Namespace: "ns"}
	client := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: meta}, &corev1.Secret{ObjectMeta: meta},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "away", Namespace: "other"}})
	sources := inspect.Sources{ConfigMaps: []string{"here", "none", "here"}, Secrets: []string{"away", "here"}}
	snapshot, err := inspect.TakeSources(t.Context(), client, "ns", sources)
	if err != nil {
		t.Fatal(err)
	}
	if len(snapshot.ConfigMaps) != 1 || len(snapshot.Secrets) != 1 {
		t.Errorf("the snapshot has %d ConfigMaps and %d Secrets, want one of each", len(snapshot.ConfigMaps), len(snapshot.Secrets))
	}
	want := inspect.Sources{ConfigMaps: []string{"none"}, Secrets: []string{"away"}}
	if diff := cmp.Diff(want, snapshot.Absent("ns", sources)); diff != "" {
		t.Error("absent", diff)
	}
}

func TestMissingSources(t *testing.T) {
	for _, test := range []struct {
		name, spec       string
		volume, variable string // what is missing
	}{
		{"all exist", `
  volumes: [{name: v, configMap: {name: o}}]
  containers: [{name: main, volumeMounts: [{name: v, mountPath: /v}], env: [{name: A, valueFrom: {secretKeyRef: {name: o, key: k}}}]}]`, "", ""},
		{"a volume that another container mounts", `
  volumes: [{name: v, secret: {secretName: none}}]
  containers: [{name: main}, {name: other, volumeMounts: [{name: v, mountPath: /v}]}]`, "Secret none", ""},
		{"a volume that no container mounts", `
  volumes: [{name: v, secret: {secretName: none}}]
  containers: [{name: main}]`, "", ""},
		{"a key of a volume", `
  volumes: [{name: v, configMap: {name: o, items: [{key: none, path: p}]}}]
  containers: [{name: main, volumeMounts: [{name: v, mountPath: /v}]}]`, "ConfigMap o with key none", ""},
		{"an optional source", `
  volumes: [{name: v, projected: {sources: [{secret: {name: none, optional: true}}]}}]
  containers: [{name: main, volumeMounts: [{name: v, mountPath: /v}], envFrom: [{configMapRef: {name: none, optional: true}}]}]`, "", ""},
		{"a key of a variable", `
  containers: [{name: main, env: [{name: A, valueFrom: {configMapKeyRef: {name: o, key: none}}}]}]`, "", "ConfigMap o with key none"},
		{"the object of a variable", `
  containers: [{name: main, env: [{name: A, valueFrom: {configMapKeyRef: {name: none, key: k}}}]}]`, "", "ConfigMap none"},
		{"another problem of a variable", `
  containers: [{name: main, env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.unknown}}}]}]`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			snapshot, pod := newSnapshot(), parsePod(t, test.spec)
			for what, check := range map[string]struct {
				missing *inspect.MissingError
				want    string
			}{"volume": {snapshot.MissingVolume(pod), test.volume}, "variable": {snapshot.MissingVariable(pod, "main"), test.variable}} {
				got := ""
				if check.missing != nil {
					got = check.missing.Error()
				}
				want := check.want
				if want != "" {
					want = "the remote cluster has no " + want
				}
				if got != want {
					t.Errorf("%s: missing is %q, want %q", what, got, want)
				}
			}
		})
	}
}
