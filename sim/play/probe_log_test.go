package play

import (
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// What a profile's preamble allows is what comes before and after the container's own lines;
// between them, and without a preamble, all lines are compared.
func TestOwnLog(t *testing.T) {
	const begin, end = "interlink-sim 12 run a\ninterlink-sim 12 end\n", "interlink-sim 12 done\n"
	for _, test := range []struct {
		name, log         string
		without, preamble string // what is compared without a preamble, and with one
	}{
		{"own lines", begin + "a\nb\n", "a\nb\n", "a\nb\n"},
		{"a preamble", "loading\n" + begin + "a\n", "loading\na\n", "a\n"},
		{"a footer", begin + "a\n" + end + "real 1s\n", "a\nreal 1s\n", "a\n"},
		{"a footer after a line without an end", begin + "aninterlink-sim 12 done\nreal 1s\n", "anreal 1s\n", "an"},
		{"lines of the job between those of the container", "loading\n" + begin + "a\nsaving\nb\n" + end, "loading\na\nsaving\nb\n", "a\nsaving\nb\n"},
		{"a footer of a container that still runs", begin + "a\nreal 1s\n", "a\nreal 1s\n", "a\nreal 1s\n"},
		{"the last lines", "b\n" + end, "b\n", "b\n"},
		{"no line of the container", "a\n", "a\n", "a\n"},
		{"two runs", begin + "a\n" + begin + "b\n", "a\nb\n", "b\n"},
		{"timestamps", "2026-01-01T00:00:00Z interlink-sim 12 run a\n2026-01-01T00:00:00.5Z interlink-sim 12 end\n2026-01-01T00:00:01Z a\n", "2026-01-01T00:00:01Z a\n", "2026-01-01T00:00:01Z a\n"},
		{
			"the log of another container", "interlink-sim 34 run b\ninterlink-sim 34 env =6162 A\ninterlink-sim 34 end\na\n",
			ofAnother + "\na\n", ofAnother + "\na\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			probes := []probe{{number: "12", ends: true}}
			if got := ownLog(test.log, probes, false); got != test.without {
				t.Errorf("without a preamble %q, want %q", got, test.without)
			}
			if got := ownLog(test.log, probes, true); got != test.preamble {
				t.Errorf("with a preamble %q, want %q", got, test.preamble)
			}
		})
	}
}

func TestFirstLines(t *testing.T) {
	for n, want := range []string{"", "a\n", "a\nb\n", "a\nb\nc", "a\nb\nc"} {
		if got := firstLines("a\nb\nc", n); got != want {
			t.Errorf("%d lines: %q", n, got)
		}
	}
}

// A container that is stopped while its log is followed has no last line of its own: what comes
// then is its job's.
func TestFollowedLogOfStoppedContainer(t *testing.T) {
	p := &player{env: &environment{
		options: Options{Profile: &profile.Profile{Spec: profile.Spec{LogPreamble: true}}},
		probes:  map[string]map[string]probe{"app": {"main": {number: "12", ends: true}}},
	}}
	const begin, lines = "interlink-sim 12 run a\ninterlink-sim 12 end\n", "first\nsecond\n"
	expected := scenario.LogExpectation{Container: "main", Follow: true, Lines: []string{"first", "second"}}
	for log, want := range map[string]string{
		begin + lines + "Terminated\nreal 1s\n":                   lines,
		begin + lines + "third\ninterlink-sim 12 done\nreal 1s\n": lines + "third\n",
		begin + "first\n": "first\n",
	} {
		if got := p.ownLog("app", expected, judge.Log{Text: log}).Text; got != want {
			t.Errorf("of %q is left %q, want %q", log, got, want)
		}
	}
}
