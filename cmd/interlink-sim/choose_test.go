package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// The level core takes less than 5 minutes for a plugin whose containers start within a
// second, and the list says so.
func TestCoreIsShort(t *testing.T) {
	all, err := allScenarios(nil)
	if err != nil {
		t.Fatal(err)
	}
	var f replayFlags
	core := []scenario.Level{scenario.LevelCore}
	files, err := f.choose(all, core)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := play.NewSchedule(files, play.Options{Plugin: "http://127.0.0.1:1", Levels: core})
	if err != nil {
		t.Fatal(err)
	}
	var sum, longest time.Duration
	for _, p := range schedule.Scenarios {
		sum, longest = sum+p.About, max(longest, p.About)
	}
	if least := sum / time.Duration(schedule.Parallel); schedule.About < least || schedule.About > least+longest || schedule.About > 5*time.Minute {
		t.Errorf("core takes %s; all scenarios together %s, %d at the same time, the longest %s", schedule.About, sum, schedule.Parallel, longest)
	}
	var out bytes.Buffer
	if err := list(&out, schedule); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"scenarios are played, 8 at the same time.\n", "\nAbout " + timeOf(schedule.About) + ", if containers start within 1 s", "\nAt most " + timeOf(schedule.AtMost) + ", if no pod ends"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the list does not say %q:\n%s", want, &out)
		}
	}
}
