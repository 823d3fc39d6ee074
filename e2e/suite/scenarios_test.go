//go:build e2e

package suite

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const scenarios = "../../fixtures/scenarios"

// engineScenarios are what workload engines rely on, with stand-ins for their programs.
const engineScenarios = "../../fixtures/engines/*/scenario-*.yaml"

// simulatedOnly are the scenarios that cannot be played with real kubelets and a plugin
// with its own connection to them, with the reason.
var simulatedOnly = map[string]string{
	"capacity-gpu-removed":         "it creates a node", // testCapacity changes what the real node offers
	"capacity-other-pods":          "it creates a node",
	"capacity-quota":               "it sets a quota",
	"capacity-reserve":             "it creates a node",
	"create-twice-half-made":       "it delays what the plugin creates", // testPluginIsKilledDuringCreates does that
	"disrupted-evicted":            "a pod without a storage limit is evicted",
	"eviction-before-start":        "a pod without a storage limit is evicted", // only a node under pressure does that
	"late-optional":                "it delays what the plugin creates",        // testSecretsComeLate does that
	"late-variable":                "it delays what the plugin creates",
	"late-volume":                  "it delays what the plugin creates",
	"namespace-template":           "it sets a namespace template",
	"node-lost":                    "a node is lost",
	"plugin-restart":               "no command that restarts the plugin", // testPluginIsKilled restarts it
	"quota-deleted":                "it sets a quota",                     // testQuotas does that
	"quota-never-fits":             "it sets a quota",
	"quota-waits":                  "it sets a quota",
	"unschedulable-then-scheduled": "a pod waits for its node", // testDrain does this with a real node
}

// needNetwork are scenarios whose remote pods need the programs and the local end of a
// network. testMesh and testTunnelCommand have both.
var needNetwork = []string{"mesh-known-script", "tunnel-client-known"}

// maxParallelScenarios limits how many scenarios are played at the same time, over
// all groups of options. They mostly wait. No scenario depends on the load, but a node
// that starts many pods at the same time on two cores is slow for everything.
const maxParallelScenarios = 16

var scenarioSlots = make(chan struct{}, maxParallelScenarios)

// maxRunningNotRequired limits the scenarios in which the phase Running was not required,
// because the nodes never reported it at a poll: too many would hide a plugin that does
// not report it. 12 scenarios have pods that run for such a short time.
const maxRunningNotRequired = 9

// testScenarios plays all scenarios against the plugin's program, on real nodes.
func testScenarios(t *testing.T) {
	engines, err := filepath.Glob(engineScenarios)
	if err != nil || len(engines) == 0 {
		t.Fatalf("%d scenarios of engines, error %v", len(engines), err)
	}
	files, err := scenario.ReadAll(append(engines, scenarios)...)
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f *scenario.File) bool { return slices.Contains(needNetwork, f.Name) })
	var notRequired atomic.Int32
	t.Cleanup(func() { // after the parallel groups
		if n := notRequired.Load(); n > maxRunningNotRequired {
			t.Errorf("the phase Running was not required in %d scenarios, at most %d are allowed", n, maxRunningNotRequired)
		}
	})
	for options, group := range byOptions(files) {
		t.Run(cmp.Or(options, "default options"), func(t *testing.T) {
			t.Parallel()
			var env []string
			if options != "" {
				env = strings.Split(options, " ")
			}
			for _, s := range playAll(t, testEnv.clusterWide, group, env...) {
				if slices.ContainsFunc(s.Notes, func(note string) bool { return strings.HasPrefix(note, play.RunningNotRequired) }) {
					notRequired.Add(1)
				}
			}
		})
	}
}

// testSingleNamespace plays some scenarios with the permissions of one namespace.
func testSingleNamespace(t *testing.T) {
	files, err := scenario.ReadAll(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	some := []string{"plain-pod", "volume-configmap", "volume-secret", "claim-deleted", "claim-missing", "logs-of-each-container", "delete-running", "mesh-fails", "unschedulable"}
	files = slices.DeleteFunc(files, func(f *scenario.File) bool { return !slices.Contains(some, f.Name) })
	if len(files) != len(some) {
		t.Fatalf("%d scenarios were found, want %d", len(files), len(some))
	}
	for _, file := range files {
		file.Plugin = nil // the plugin below has the options of all
	}
	playAll(t, testEnv.singleNamespace, files, "OFFLOADING_NAMESPACE=offloading", "MESH_ENABLED=true", "MESH_SCRIPTS=any", "MESH_IMAGE=busybox:1.37", "MESH_INSTALL=")
}

// byOptions groups scenarios by the options of the plugin that they need, and
// removes the options from them: the plugin that is started for a group has them.
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

// playAll plays scenarios against a plugin that it starts, and returns their results.
func playAll(t *testing.T, a account, files []*scenario.File, env ...string) []report.Scenario {
	if a.user == testEnv.clusterWide.user { // its account may use Leases in this namespace only, also if a scenario sets [offloading] namespace
		env = append(slices.Clone(env), "APP_LEASE_NAMESPACE=interlink-plugin")
	}
	plugin := startPlugin(t, a, env...)
	env = append([]string{"OFFLOADING_NAMESPACE_PREFIX=" + plugin.prefix}, env...)
	result, err := play.Run(testEnv.ctx, files, play.Options{
		Plugin: plugin.address, Client: testEnv.remote.client, Environ: env, Parallel: maxParallelScenarios,
		Started: func(string) { scenarioSlots <- struct{}{} },
		Done:    func(report.Scenario) { <-scenarioSlots },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			for _, note := range s.Notes {
				t.Log(note)
			}
			switch why, impossible := simulatedOnly[s.Name]; {
			case s.Verdict == report.Failed:
				t.Errorf("%s\n%s", strings.Join(s.Texts(), "\n"), history(s))
			case impossible && (s.Verdict != report.Skipped || !strings.Contains(s.Skipped, why)):
				t.Errorf("the scenario %s, and must be skipped because %s", s.Verdict, why)
			case impossible: // CI=true accepts this: these scenarios are played in sim/play and on an API server
				t.Skip(s.Skipped)
			case s.Verdict == report.Skipped:
				t.Errorf("the scenario was skipped: %s", s.Skipped)
			}
		})
	}
	return result.Scenarios
}

// history returns the states that both clusters showed, with their times.
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
