package scenario_test

import (
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// The virtual node has one expected quantity before the first change of the remote node, and one after each.
func TestVirtualNode(t *testing.T) {
	for _, test := range []struct{ name, step, shown, want string }{
		{"right", `{at: 4s, node: {cpu: "2"}}`, `["1", "2"]`, ""},
		{"a quantity is missing", `{at: 4s, node: {cpu: "2"}}`, `["1"]`, "cpu has 1 quantities, expected 2"},
		{"one too many", `{at: 4s, create: web}`, `["1", "2"]`, "cpu has 2 quantities, expected 1"},
		{"no quantity", `{at: 4s, node: {cpu: "2"}}`, `["1", two]`, `"two" is not a valid quantity`},
		{"no quantity of a step", `{at: 4s, node: {cpu: two}}`, `["1", "2"]`, `"two" is not a valid quantity`},
		{"at once", `{at: 0s, node: {cpu: "2"}}`, `["1", "2"]`, "at must be more than 0s"},
		{"nothing is left", `{at: 4s, node: {}}`, `["1", "2"]`, "name the resources that the node still has"},
		{"the other pod ends, too", `{at: 4s, node: {cpu: "2"}}`, `["1", "2", "1"]`, ""},
		{"the end of the other pod is missing", `{at: 4s, node: {cpu: "2"}}`, `["1", "2"]`, "cpu has 2 quantities, expected 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setup := `{node: {cpu: "1"}}`
			if strings.Contains(test.name, "other pod") {
				setup = `{node: {cpu: "1"}, otherPodUntil: 9s}`
			}
			text := strings.NewReplacer("{at: 4s, create: web}", test.step, "remote: {Pod: 1}", "virtualNode: {cpu: "+test.shown+"}",
				"  nodes:\n", "  remoteSetup: "+setup+"\n  nodes:\n").Replace(good)
			_, err := scenario.Parse("a.yaml", []byte(text))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}
