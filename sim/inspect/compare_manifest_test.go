package inspect_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

func TestCompareManifest(t *testing.T) {
	pod := parsePod(t, `  containers:
  - {name: main, image: a, ports: [{containerPort: 80}], command: [x, z], resources: {limits: {cpu: "2"}}, volumeMounts: [{name: v, mountPath: /one}, {name: v, mountPath: /two, readOnly: true}]}
  - {name: side, image: b}
  tolerations: [{key: k, operator: Exists}]
  automountServiceAccountToken: false
  securityContext: {runAsUser: 0}
  volumes: [{name: v, configMap: {name: o}}, {name: e, emptyDir: {}}]
`)
	for _, test := range []struct{ name, want, difference string }{
		{"empty", `{}`, ""},
		{"equal parts", `{"metadata":{"labels":{"x":"z"}},"spec":{"containers":[{"name":"side","image":"b"}]}}`, ""},
		{"different value", `{"spec":{"containers":[{"name":"main","image":"b"}]}}`, `spec.containers[main].image is "a", not "b"`},
		{"missing item", `{"spec":{"containers":[{"name":"third"}]}}`, `spec.containers has no item with name "third"`},
		{"missing list", `{"spec":{"imagePullSecrets":[{"name":"v"}]}}`, `spec.imagePullSecrets has no item with name "v"`},
		{"mounts are compared by path", `{"spec":{"containers":[{"name":"main","volumeMounts":[{"mountPath":"/two","readOnly":false}]}]}}`, `spec.containers[main].volumeMounts[/two].readOnly is true, not false`},
		{"list without names", `{"spec":{"containers":[{"name":"main","command":["x"]}]}}`, `spec.containers[main].command is ["x","z"], not ["x"]`},
		{"numbers", `{"spec":{"containers":[{"name":"main","ports":[{"containerPort":80}]}]}}`, ""},
		{"quantity as a number", `{"spec":{"containers":[{"name":"main","resources":{"limits":{"cpu":2}}}]}}`, ""},
		{"null for absent fields", `{"spec":{"nodeSelector":null,"hostname":null}}`, ""},
		{"null for a field that is set", `{"spec":{"tolerations":null}}`, `spec.tolerations is [{"key":"k","operator":"Exists"}], not empty`},
		{"value for an absent field", `{"spec":{"hostname":"h"}}`, `spec.hostname is absent, not "h"`},
		{"object for a string", `{"metadata":{"name":{"a":1}}}`, `metadata.name is "p", not {"a":1}`},
		{"field of an absent object", `{"spec":{"affinity":{"nodeAffinity":{"x":1}}}}`, `spec.affinity.nodeAffinity.x is absent, not 1`},
		{"empty object that exists", `{"spec":{"volumes":[{"name":"e","emptyDir":{}}]}}`, ""},
		{"empty object that does not exist", `{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}`, `spec.volumes[v].emptyDir is absent, not {}`},
		{"empty list for an absent list", `{"spec":{"imagePullSecrets":[]}}`, ""},
		{"empty list for a list with items", `{"spec":{"tolerations":[]}}`, `spec.tolerations is [{"key":"k","operator":"Exists"}], not []`},
		{"null for false", `{"spec":{"automountServiceAccountToken":null}}`, `spec.automountServiceAccountToken is false, not empty`},
		{"null for 0", `{"spec":{"securityContext":{"runAsUser":null}}}`, `spec.securityContext.runAsUser is 0, not empty`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(inspect.CompareManifest(pod, want), "; "); got != test.difference {
				t.Errorf("%s\nwant %s", got, test.difference)
			}
		})
	}
}
