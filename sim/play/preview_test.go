package play

import (
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func TestSchedule(t *testing.T) {
	files, err := scenario.ReadAll("../../fixtures/scenarios/plain-pod.yaml", "../../fixtures/scenarios/restart-always.yaml", "../../fixtures/scenarios/quota-waits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// plain-pod starts for 2 s and runs for 20 s, restart-always has until: 90s.
	for _, c := range []struct {
		options       Options
		about, atMost time.Duration
	}{
		{Options{Plugin: "http://127.0.0.1:1", Parallel: 1, Patience: time.Minute}, 132 * time.Second, 252 * time.Second},
		{Options{Plugin: "http://127.0.0.1:1", Parallel: 2, Patience: time.Minute, Timeout: 2 * time.Minute}, 100 * time.Second, 2 * time.Minute},
		{Options{Parallel: 2}, 0, 0}, // no real time passes
	} {
		s, err := NewSchedule(files, c.options)
		if err != nil {
			t.Fatal(err)
		}
		if s.About != c.about || s.AtMost != c.atMost {
			t.Errorf("%+v: about %s, at most %s", c, s.About, s.AtMost)
		}
		for _, p := range s.Scenarios {
			if skipped := p.File.Name == "quota-waits" && c.options.Plugin != ""; (p.Skipped != "") != skipped {
				t.Errorf("%s: skipped because of %q", p.File.Name, p.Skipped)
			}
		}
	}
	if _, err := NewSchedule(files, Options{Speed: -1}); err == nil {
		t.Error("invalid options are accepted")
	}
}

func TestRunsFor(t *testing.T) {
	for _, c := range []struct {
		codes []int32
		want  time.Duration
	}{{nil, 2 * time.Second}, {[]int32{0}, 2 * time.Second}, {[]int32{1, 0}, 3 * time.Second}, {[]int32{1, 1, 0}, 14 * time.Second}, {[]int32{1, 1, 1, 0}, 35 * time.Second}} {
		if got := runsFor(scenario.Container{ExitCodes: c.codes}); got != c.want {
			t.Errorf("%v: %s, want %s", c.codes, got, c.want)
		}
	}
}
