package scenario_test

import (
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Names within a pod that an API server refuses are errors of the file.
func TestNamesWithinAPod(t *testing.T) {
	const long = "a123456789012345678901234567890123456789012345678901234567890123456789"
	for _, test := range []struct{ name, spec, want string }{
		{"valid names", `{nodeName: gpu.node-1, nodeSelector: {example.org/a: b}, serviceAccountName: a.b, priorityClassName: high, runtimeClassName: nvidia, containers: [{name: c, ports: [{name: http-usermetric, containerPort: 1}, {containerPort: 2}]}]}`, ""},
		{"a node", `{nodeName: A, containers: [{name: c}]}`, `node "A"`},
		{"a key of a node selector", `{nodeSelector: {"a b": c}, containers: [{name: c}]}`, `spec.nodeSelector: "a b"`},
		{"a value of a node selector", `{nodeSelector: {a: "b c"}, containers: [{name: c}]}`, `spec.nodeSelector: "b c"`},
		{"a service account", `{serviceAccountName: a_b, containers: [{name: c}]}`, `service account "a_b"`},
		{"a priority class", `{priorityClassName: High, containers: [{name: c}]}`, `priority class "High"`},
		{"a runtime class", `{runtimeClassName: a/b, containers: [{name: c}]}`, `runtime class "a/b"`},
		{"a long name of a port", `{containers: [{name: c, ports: [{name: longer-than-15-ch, containerPort: 1}]}]}`, `port "longer-than-15-ch"`},
		{"a port of an init container", `{initContainers: [{name: d, ports: [{name: "1", containerPort: 1}]}], containers: [{name: c}]}`, `port "1"`},
		{"a long hostname", `{hostname: ` + long + `, containers: [{name: c}]}`, `hostname "` + long},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := scenario.ParseManifests("pod.yaml", []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: "+test.spec))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "pod.yaml:4: "+test.want)):
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
