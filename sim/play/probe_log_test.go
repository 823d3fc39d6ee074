package play

import "testing"

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
