package manifests

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// TestScenariosCarryThisScript checks that the scenarios of fixtures/scenarios with a mesh
// script that the plugin knows carry the script of mesh-script.yaml. With -update it writes
// them.
func TestScenariosCarryThisScript(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"mesh-known-script":   nil,
		"mesh-wireguard-hook": {"WGConfig": strings.Replace(wireGuardConfig, "\n\n[Peer]", "\nPostUp = touch /attacked\n\n[Peer]", 1)},
	} {
		filledIn := maps.Clone(filled)
		maps.Copy(filledIn, values)
		path := filepath.Join(testkit.Root(t), "fixtures/scenarios", name+".yaml")
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		const begin, end = "    slurm-job.vk.io/pre-exec: |-\n", "\nspec:\n  terminationGracePeriodSeconds"
		before, rest, found := strings.Cut(string(have), begin)
		_, after, foundEnd := strings.Cut(rest, end)
		if !found || !foundEnd {
			t.Fatalf("%s has no annotation with a mesh script", path)
		}
		var script strings.Builder
		for line := range strings.Lines(strings.TrimSuffix(annotation(t, filledIn), "\n")) {
			if line != "\n" {
				line = "      " + line
			}
			script.WriteString(line)
		}
		want := before + begin + script.String() + end + after
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if string(have) != want {
			t.Errorf("%s does not carry the script of mesh-script.yaml; run make generate", path)
		}
	}
}
