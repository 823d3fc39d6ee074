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
	return playHonestWith(t, h, profile.Spec{Left: &profile.Left{Command: "ls " + filepath.Join(h.folder, "jobs"), ByUID: byUID}}, names...)
}

// playHonestWith plays the scenarios with a profile.
func playHonestWith(t *testing.T, h *honest, spec profile.Spec, names ...string) map[string]report.Scenario {
	t.Helper()
	if _, err := exec.LookPath("od"); err != nil {
		t.Skip("this machine has no od")
	}
	result, err := Run(t.Context(), scenarios(t, names...), Options{
		Plugin: serveOutside(t, h), virtual: true, Parallel: 4, Levels: []scenario.Level{scenario.LevelCore, scenario.LevelOptional},
		Profile: &profile.Profile{Name: "honest", Spec: spec},
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
		{"a second create replaces the pod", func(h *honest) { h.replaces = true }, "create-twice", "CREATE-8: container main of pod echo has begun"},
		{"all logs are that of the first pod", func(h *honest) { h.oneLog = true }, "pods-at-once", "LOGS-"},
	} {
		t.Run(test.fault, func(t *testing.T) {
			h := newHonest(t)
			test.set(h)
			s := playHonest(t, h, true, test.scenario)[test.scenario]
			if text := strings.Join(s.Texts(), "\n"); strings.Contains(text, "interlink-sim ") {
				t.Errorf("it shows what containers write about themselves: %s", text)
			}
			if s.Verdict != report.Failed || !strings.Contains(strings.Join(s.Texts(), "\n"), test.text) {
				t.Errorf("%s %s: %q %q", s.Name, s.Verdict, s.Texts(), s.NotJudged)
			}
		})
	}
}

// The limits of a request for a log count the container's own lines, whatever its probe and its
// job write around them.
func TestHonestPluginWithLimitsOfLogs(t *testing.T) {
	for _, hasJobLog := range []bool{false, true} {
		t.Run(fmt.Sprintf("log of a job %v", hasJobLog), func(t *testing.T) {
			h := newHonest(t)
			h.hasJobLog = hasJobLog
			names := []string{"plain-pod", "logs-bytes", "logs-tail"}
			if hasJobLog {
				names = names[:2] // the last lines are those of the job
			}
			capabilities := []string{"log-tail", "log-bytes"}
			for name, s := range playHonestWith(t, h, profile.Spec{Capabilities: capabilities, LogPreamble: hasJobLog}, names...) {
				if s.Verdict != report.Passed {
					t.Errorf("%s %s: %q %q %q", name, s.Verdict, s.Texts(), s.NotJudged, s.Skipped)
				}
			}
		})
	}
}

// Lines of the job fail if the profile does not allow them.
func TestHonestPluginWithLogOfItsJob(t *testing.T) {
	h := newHonest(t)
	h.hasJobLog = true
	s := playHonestWith(t, h, profile.Spec{}, "plain-pod")["plain-pod"]
	if text := strings.Join(s.Texts(), "\n"); s.Verdict != report.Failed || !strings.Contains(text, "loading modules") {
		t.Errorf("%s: %s", s.Verdict, text)
	}
}
