package inspect_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

func snapshot() *inspect.Snapshot {
	meta := metav1.ObjectMeta{Name: "o", Namespace: "ns"}
	return &inspect.Snapshot{
		ConfigMaps: []corev1.ConfigMap{
			{ObjectMeta: metav1.ObjectMeta{Name: "o", Namespace: "other"}, Data: map[string]string{"a": "wrong namespace"}},
			{ObjectMeta: meta, Data: map[string]string{"a": "1", "b": "2"}, BinaryData: map[string][]byte{"bin": {0, 255}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "late", Namespace: "ns"}, Data: map[string]string{"a": "late"}},
		},
		Secrets: []corev1.Secret{{ObjectMeta: meta, Data: map[string][]byte{"k": []byte("s3")}}},
	}
}

// pod reads the fields of a container, and the pod's volumes.
func pod(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	p := &corev1.Pod{}
	whole := "metadata: {name: p, namespace: ns, uid: u, labels: {x: z, a: 'q\"'}, annotations: {an: note}}\nstatus: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}], hostIP: 10.1.0.1, hostIPs: [{ip: 10.1.0.1}]}\nspec:\n  nodeName: worker\n  serviceAccountName: sa\n  initContainers: [{name: early}]\n" + text
	if err := yaml.UnmarshalStrict([]byte(whole), p); err != nil {
		t.Fatalf("%v\n%s", err, whole)
	}
	return p
}

func TestEnv(t *testing.T) {
	for _, test := range []struct {
		name, container string
		want            map[string]string
		words           string
	}{
		{"plain", "env: [{name: A, value: x}]", map[string]string{"A": "x"}, ""},
		{"what comes before", "env: [{name: A, value: x}, {name: B, value: $(A)-$(C)-$$(A)-$(A}, {name: C, value: c}]", map[string]string{"A": "x", "B": "x-$(C)-$(A)-$(A", "C": "c"}, ""},
		{"whole objects, outranked", "env: [{name: b, value: mine}]\n    envFrom: [{configMapRef: {name: o}}, {prefix: S_, secretRef: {name: o}}]", map[string]string{"a": "1", "b": "mine", "S_k": "s3"}, ""},
		{"keys", "env: [{name: A, valueFrom: {configMapKeyRef: {name: o, key: a}}}, {name: K, valueFrom: {secretKeyRef: {name: o, key: k}}}]", map[string]string{"A": "1", "K": "s3"}, ""},
		{"no object", "envFrom: [{secretRef: {name: none}}]", nil, "no Secret none"},
		{"no config map", "envFrom: [{configMapRef: {name: none}}]", nil, "no ConfigMap none"},
		{"no key", "env: [{name: A, valueFrom: {secretKeyRef: {name: o, key: none}}}]", nil, "variable A: remotely there is no Secret o with a key none"},
		{"optional", "env: [{name: A, valueFrom: {configMapKeyRef: {name: o, key: none, optional: true}}}]\n    envFrom: [{secretRef: {name: none, optional: true}}]", map[string]string{}, ""},
		{"fields", `env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: L, valueFrom: {fieldRef: {fieldPath: "metadata.labels['x']"}}}, {name: S, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}]`, map[string]string{"NAME": "p", "L": "z", "S": "sa"}, ""},
		{"no field", "env: [{name: N, valueFrom: {fieldRef: {fieldPath: spec.color}}}]", nil, "spec.color"},
		{"resources", "resources: {limits: {cpu: 1500m, memory: 3Mi}, requests: {cpu: 100m}}\n    env: [{name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}, {name: R, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: 1m}}}, {name: M, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}]", map[string]string{"C": "2", "R": "100", "M": "3"}, ""},
		{"no resource", "env: [{name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]", nil, "limits.cpu"},
		{"a request not said", "env: [{name: C, valueFrom: {resourceFieldRef: {resource: requests.cpu}}}]", map[string]string{"C": "0"}, ""},
		{"an unknown source", "env: [{name: C, valueFrom: {fileKeyRef: {volumeName: v, path: p, key: k}}}]", nil, "variable C: where its value comes from"},
		{"addresses", "env: [{name: P, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}, {name: H, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}, {name: O, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, {name: I, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}, {name: W, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]", map[string]string{"P": "10.0.0.1,fd00::1", "H": "10.1.0.1", "O": "10.0.0.1", "I": "10.1.0.1", "W": "worker"}, ""},
		{"identity", `env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['an']"}}}, {name: U, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}, {name: E, valueFrom: {fieldRef: {fieldPath: "metadata.labels['none']"}}}]`, map[string]string{"A": "note", "U": "u", "E": ""}, ""},
		{"of two objects the later", "envFrom: [{configMapRef: {name: o}}, {prefix: a, configMapRef: {name: o}}, {configMapRef: {name: late}}]", map[string]string{"a": "late", "b": "2", "aa": "1", "ab": "2"}, ""},
		{"escapes", "env: [{name: A, value: x}, {name: B, value: $$$(A)$}, {name: C, value: $$$$(A)}, {name: D, value: $()$(A $(A)}]", map[string]string{"A": "x", "B": "$x$", "C": "$$(A)", "D": "$()$(A $(A)"}, ""},
		{"optional, but given before", "envFrom: [{configMapRef: {name: o}}]\n    env: [{name: a, valueFrom: {secretKeyRef: {name: none, key: k, optional: true}}}]", map[string]string{"a": "1", "b": "2"}, ""},
		{"what whole objects gave is known", "envFrom: [{configMapRef: {name: late}}]\n    env: [{name: B, value: $(a)}]", map[string]string{"a": "late", "B": "late"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := snapshot().Env(pod(t, "  containers:\n  - name: main\n    "+test.container+"\n"), "main")
			check(t, test.want, got, err, test.words)
		})
	}
	if _, err := snapshot().Env(&corev1.Pod{}, "none"); err == nil {
		t.Error("no such container: no error")
	}
}

func check[T any](t *testing.T, want, got T, err error, words string) {
	t.Helper()
	switch {
	case words != "":
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want words of %q", err, words)
		}
	case err != nil:
		t.Error(err)
	default:
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestFiles(t *testing.T) {
	type file map[string]string
	for _, test := range []struct {
		name, mount, volume string
		want                file
		words               string
	}{
		{"all keys", "mountPath: /c", "configMap: {name: o, defaultMode: 0400}", file{"/c/a": "1 400", "/c/b": "2 400", "/c/bin": "\x00\xff 400"}, ""},
		{"items", "mountPath: /c", "configMap: {name: o, items: [{key: a, path: deep/x, mode: 0600}]}", file{"/c/deep/x": "1 600"}, ""},
		{"a file", "mountPath: /etc/one, subPath: a", "configMap: {name: o}", file{"/etc/one": "1 644"}, ""},
		{"a folder", "mountPath: /c, subPath: deep", "configMap: {name: o, items: [{key: a, path: deep/x}, {key: b, path: z}]}", file{"/c/x": "1 644"}, ""},
		{"an expression", "mountPath: /c, subPathExpr: $(DIR)", "configMap: {name: o, items: [{key: a, path: deep/x}]}", file{"/c/x": "1 644"}, ""},
		{"a secret", "mountPath: /s", "secret: {secretName: o}", file{"/s/k": "s3 644"}, ""},
		{"a path that is not clean", "mountPath: /c/, subPath: ./deep/", "configMap: {name: o, items: [{key: a, path: deep/x}]}", file{"/c/x": "1 644"}, ""},
		{"out of the volume", "mountPath: /c, subPath: ../x", "configMap: {name: o}", nil, "leaves the volume"},
		{"no such part", "mountPath: /c, subPath: none", "configMap: {name: o}", file{}, ""},
		{"an expression without a value", "mountPath: /c, subPathExpr: $(DIR)/$(NO)", "configMap: {name: o}", nil, "mount /c: the variable NO"},
		{"an expression of nothing", "mountPath: /c, subPathExpr: $(EMPTY)", "configMap: {name: o}", nil, "the variable EMPTY"},
		{"an escaped expression", "mountPath: /c, subPathExpr: $$(DIR)", "configMap: {name: o, items: [{key: a, path: $(DIR)/x}]}", file{"/c/x": "1 644"}, ""},
		{"no secret", "mountPath: /s", "secret: {secretName: none}", nil, "volume v: remotely there is no Secret none"},
		{"no key", "mountPath: /s", "secret: {secretName: o, items: [{key: none, path: x}]}", nil, "with a key none"},
		{"optional", "mountPath: /s", "secret: {secretName: none, optional: true}", file{}, ""},
		{"an optional key", "mountPath: /s", "configMap: {name: o, optional: true, items: [{key: none, path: x}, {key: a, path: z}]}", file{"/s/z": "1 644"}, ""},
		{"fields", "mountPath: /i", "downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu}}]}", file{"/i/labels": "a=\"q\\\"\"\nx=\"z\" 644", "/i/cpu": "2 644"}, ""},
		{"projected", "mountPath: /p", "projected: {defaultMode: 0440, sources: [{secret: {name: o}}, {configMap: {name: o, items: [{key: b, path: b}]}}, {downwardAPI: {items: [{path: m, fieldRef: {fieldPath: metadata.namespace}}]}}, {serviceAccountToken: {path: t}}]}", file{"/p/k": "s3 440", "/p/b": "2 440", "/p/m": "ns 440", "/p/t": "token 440"}, ""},
		{"empty", "mountPath: /e", "emptyDir: {}", file{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "  containers:\n  - name: main\n    env: [{name: DIR, value: deep}, {name: EMPTY}]\n    resources: {limits: {cpu: 1500m}}\n    volumeMounts: [{name: v, " + test.mount + "}]\n  volumes: [{name: v, " + test.volume + "}]\n"
			files, err := snapshot().Files(pod(t, text), "main")
			got := file{}
			for path, f := range files {
				got[path] = string(f.Content) + " " + octal(f.Mode)
			}
			check(t, test.want, got, err, test.words)
		})
	}
	// Whatever their order, a mount hides what another has there. Variables
	// that cannot be made are no matter of files.
	nested := pod(t, "  containers: [{name: main, envFrom: [{secretRef: {name: none}}], volumeMounts: [{name: e, mountPath: /c/deep}, {name: v, mountPath: /c}, {name: s, mountPath: /c/b, subPath: k}]}]\n"+
		"  volumes: [{name: e, emptyDir: {}}, {name: s, secret: {secretName: o}}, {name: v, configMap: {name: o, items: [{key: a, path: deep/x}, {key: b, path: b}, {key: a, path: deeper/x}]}}]\n")
	files, err := snapshot().Files(nested, "main")
	got := map[string]string{}
	for path, f := range files {
		got[path] = string(f.Content)
	}
	check(t, map[string]string{"/c/b": "s3", "/c/deeper/x": "1"}, got, err, "")
	lost := pod(t, "  containers: [{name: main, volumeMounts: [{name: gone, mountPath: /x}]}]\n")
	if _, err := snapshot().Files(lost, "main"); err == nil || !strings.Contains(err.Error(), "no such volume") {
		t.Errorf("a mount of nothing: %v", err)
	}
}

func octal(mode int32) string {
	return string(rune('0'+mode>>6&7)) + string(rune('0'+mode>>3&7)) + string(rune('0'+mode&7))
}

func TestDifferences(t *testing.T) {
	have := pod(t, `  containers:
  - {name: main, image: a, ports: [{containerPort: 80}], command: [x, z], resources: {limits: {cpu: "2"}}, volumeMounts: [{name: v, mountPath: /one}, {name: v, mountPath: /two, readOnly: true}]}
  - {name: side, image: b}
  tolerations: [{key: k, operator: Exists}]
  automountServiceAccountToken: false
  securityContext: {runAsUser: 0}
  volumes: [{name: v, configMap: {name: o}}, {name: e, emptyDir: {}}]
`)
	for _, test := range []struct{ name, want, difference string }{
		{"nothing wanted", `{}`, ""},
		{"equal parts", `{"metadata":{"labels":{"x":"z"}},"spec":{"containers":[{"name":"side","image":"b"}]}}`, ""},
		{"another value", `{"spec":{"containers":[{"name":"main","image":"b"}]}}`, `spec.containers[main].image is "a", not "b"`},
		{"no such item", `{"spec":{"containers":[{"name":"third"}]}}`, `spec.containers has no item with name "third"`},
		{"no list at all", `{"spec":{"imagePullSecrets":[{"name":"v"}]}}`, `spec.imagePullSecrets has no item with name "v"`},
		{"mounts by their path", `{"spec":{"containers":[{"name":"main","volumeMounts":[{"mountPath":"/two","readOnly":false}]}]}}`, `spec.containers[main].volumeMounts[/two].readOnly is true, not false`},
		{"a list without names", `{"spec":{"containers":[{"name":"main","command":["x"]}]}}`, `spec.containers[main].command is ["x","z"], not ["x"]`},
		{"numbers", `{"spec":{"containers":[{"name":"main","ports":[{"containerPort":80}]}]}}`, ""},
		{"a quantity said as a number", `{"spec":{"containers":[{"name":"main","resources":{"limits":{"cpu":2}}}]}}`, ""},
		{"absent, as wanted", `{"spec":{"nodeSelector":null,"hostname":null}}`, ""},
		{"present, unwanted", `{"spec":{"tolerations":null}}`, `spec.tolerations is [{"key":"k","operator":"Exists"}], not empty`},
		{"absent, unwanted", `{"spec":{"hostname":"h"}}`, `spec.hostname is absent, not "h"`},
		{"an object of what is none", `{"metadata":{"name":{"a":1}}}`, `metadata.name is "p", not {"a":1}`},
		{"below what is absent", `{"spec":{"affinity":{"nodeAffinity":{"x":1}}}}`, `spec.affinity.nodeAffinity.x is absent, not 1`},
		{"an empty object that is there", `{"spec":{"volumes":[{"name":"e","emptyDir":{}}]}}`, ""},
		{"an empty object that is not", `{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}`, `spec.volumes[v].emptyDir is absent, not {}`},
		{"an empty list", `{"spec":{"imagePullSecrets":[]}}`, ""},
		{"not an empty list", `{"spec":{"tolerations":[]}}`, `spec.tolerations is [{"key":"k","operator":"Exists"}], not []`},
		{"false is not absent", `{"spec":{"automountServiceAccountToken":null}}`, `spec.automountServiceAccountToken is false, not empty`},
		{"0 is not absent", `{"spec":{"securityContext":{"runAsUser":null}}}`, `spec.securityContext.runAsUser is 0, not empty`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(inspect.CompareManifest(have, want), "; "); got != test.difference {
				t.Errorf("%s\nwant %s", got, test.difference)
			}
		})
	}
}
