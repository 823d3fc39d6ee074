//go:build e2e

package suite

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const scenarios = "../../fixtures/scenarios"

// notReal are the scenarios that no real kubelet can play, with the reason.
var notReal = map[string]string{
	"eviction-before-start":        "a pod without a storage limit is evicted", // of a node under pressure
	"node-lost":                    "a node is lost",
	"unschedulable-then-scheduled": "a pod waits for its node", // testDrain does it with a real one
}

// atOnce is how many scenarios are played side by side: they mostly wait, but a
// node that starts many more pods at once on two cores is late for their steps.
const atOnce = 12

// testScenarios plays all scenarios against the plugin's program on real nodes.
func testScenarios(t *testing.T) {
	files, err := scenario.ReadAll(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	for options, group := range byOptions(files) {
		t.Run(cmp.Or(options, "default options"), func(t *testing.T) {
			t.Parallel()
			var env []string
			if options != "" {
				env = strings.Split(options, " ")
			}
			playAll(t, stage.all, group, env...)
		})
	}
}

// testSingleNamespace plays some under the rights of one namespace.
func testSingleNamespace(t *testing.T) {
	files, err := scenario.ReadAll(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	some := []string{"plain-pod", "volume-configmap", "volume-secret", "claim-deleted", "claim-missing", "logs-of-each-container", "delete-running", "mesh-fails"}
	files = slices.DeleteFunc(files, func(f *scenario.File) bool { return !slices.Contains(some, f.Name) })
	if len(files) != len(some) {
		t.Fatalf("%d of %d scenarios", len(files), len(some))
	}
	for _, file := range files {
		file.Plugin = nil // what one of them needs all have
	}
	playAll(t, stage.scoped, files, "OFFLOADING_NAMESPACE=offloading", "MESH_IMAGE=busybox:1.37", "MESH_INSTALL=")
}

// byOptions groups scenarios by the options of the plugin that they need, and
// takes these out of them: the plugin that runs has them.
func byOptions(files []*scenario.File) map[string][]*scenario.File {
	groups := map[string][]*scenario.File{}
	for _, file := range files {
		var options []string
		for _, name := range slices.Sorted(maps.Keys(file.Plugin)) {
			options = append(options, name+"="+file.Plugin[name])
		}
		file.Plugin = nil
		key := strings.Join(options, " ")
		groups[key] = append(groups[key], file)
	}
	return groups
}

func playAll(t *testing.T, a account, files []*scenario.File, env ...string) {
	plugin := startPlugin(t, a, env...)
	result, err := play.Run(stage.ctx, files, play.Options{
		Plugin: plugin.address, Client: stage.remote.client, Environ: env, Parallel: atOnce,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			switch why, impossible := notReal[s.Name]; {
			case s.Verdict == report.Failed:
				t.Errorf("%s\n%s", strings.Join(s.Differences, "\n"), history(s))
			case impossible && (s.Verdict != report.Skipped || !strings.Contains(s.Skipped, why)):
				t.Errorf("%s: it was to be skipped, since %s", s.Verdict, why)
			case impossible:
				t.Skip(s.Skipped)
			case s.Verdict == report.Skipped:
				t.Errorf("not played: %s", s.Skipped)
			}
		})
	}
}

// history is what both clusters showed.
func history(s report.Scenario) string {
	var text strings.Builder
	for _, pod := range s.Pods {
		for _, side := range []struct {
			name   string
			states []report.State
		}{{"local", pod.Local}, {"remote", pod.Remote}} {
			for _, state := range side.states {
				fmt.Fprintf(&text, "%6.1f s  %s %s: %s %s", state.At, side.name, pod.Name, state.Phase, state.Reason)
				for _, c := range state.Containers {
					fmt.Fprintf(&text, "  %s=%s %s %d (run %d)", c.Name, c.State, c.Reason, c.ExitCode, c.Restarts+1)
				}
				text.WriteByte('\n')
			}
		}
	}
	return text.String()
}
