package play

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// honestScenarios are scenarios of the level core that need no files.
var honestScenarios = []string{
	"create-twice", "delete-running", "env-from", "env-resolved", "logs-limits", "plain-pod", "pods-at-once", "two-containers-one-fails",
}

// playHonest plays the scenarios with a command that lists the plugin's jobs.
func playHonest(t *testing.T, h *honest, byUID bool, names ...string) map[string]report.Scenario {
	t.Helper()
	if _, err := exec.LookPath("od"); err != nil {
		t.Skip("this machine has no od")
	}
	result, err := Run(t.Context(), scenarios(t, names...), Options{
		Plugin: serveOutside(t, h), virtual: true, Parallel: 4, Levels: []scenario.Level{scenario.LevelCore},
		Profile: &profile.Profile{Name: "honest", Spec: profile.Spec{
			Left: &profile.Left{Command: "ls " + filepath.Join(h.folder, "jobs"), ByUID: byUID},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	played := map[string]report.Scenario{}
	for _, s := range result.Scenarios {
		played[s.Name] = s
	}
	return played
}

// A plugin that really runs the containers passes, although nothing looks at what it
// runs them on.
func TestHonestPlugin(t *testing.T) {
	for _, byUID := range []bool{true, false} {
		t.Run(fmt.Sprintf("by UID %v", byUID), func(t *testing.T) {
			for name, s := range playHonest(t, newHonest(t), byUID, honestScenarios...) {
				if s.Verdict != report.Passed {
					t.Errorf("%s %s: %q %q %q", name, s.Verdict, s.Texts(), s.NotJudged, s.Skipped)
				}
			}
		})
	}
}

// What it does wrong is seen from outside.
func TestHonestPluginWithAFault(t *testing.T) {
	for _, test := range []struct {
		fault          string
		set            func(*honest)
		scenario, text string
	}{
		{"a delete stops nothing", func(h *honest) { h.forgetsDeletes = true }, "delete-running", "DELETE-1"},
		{"a second create starts the pod again", func(h *honest) { h.createsTwice = true }, "create-twice", "CREATE-8"},
		{"all logs are that of the first pod", func(h *honest) { h.oneLog = true }, "pods-at-once", "LOGS-"},
	} {
		t.Run(test.fault, func(t *testing.T) {
			h := newHonest(t)
			test.set(h)
			s := playHonest(t, h, true, test.scenario)[test.scenario]
			if s.Verdict != report.Failed || !strings.Contains(strings.Join(s.Texts(), "\n"), test.text) {
				t.Errorf("%s %s: %q %q", s.Name, s.Verdict, s.Texts(), s.NotJudged)
			}
		})
	}
}
