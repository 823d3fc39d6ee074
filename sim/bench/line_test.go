package bench

import (
	"bytes"
	"strings"
	"testing"
)

func TestRatioIsTheMedianOfTheRounds(t *testing.T) {
	// In the second round the machine was busy: both are slow.
	l := ratioLine("create", "peer", "pods/s", []float64{90, 8, 95}, []float64{100, 10, 100}, atLeast(0.9))
	if l.Figure != 90 || l.PeerFigure != 100 || l.Value != 0.9 || !l.Met() {
		t.Errorf("got %+v", l)
	}
}

func TestPercentile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for p, want := range map[int]float64{0: 1, 50: 3, 99: 5, 100: 5} {
		if got := percentile(values, p); got != want {
			t.Errorf("percentile %d: got %v, want %v", p, got, want)
		}
	}
}

func TestTableSaysWhichGoalsAreMissed(t *testing.T) {
	var out bytes.Buffer
	err := writeTable(&out, []Line{
		{Name: "fast", Peer: "peer", Unit: "pods/s", Figure: 95, PeerFigure: 100, Value: 0.95, Goal: atLeast(0.9)},
		{Name: "slow", Peer: "peer", Unit: "ms", Figure: 2500, PeerFigure: 100, Value: 25, Goal: atMost(2)},
		{Name: "no goal", Unit: "MB", Figure: 31.44, Value: 31.44, ValueUnit: "MB"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"| fast | peer | 95 pods/s | 100 pods/s | 0.95 | ≥ 0.9 | met |",
		"| slow | peer | 2500 ms | 100 ms | 25 | ≤ 2 | MISSED |",
		"| no goal | | 31.4 MB | | | | |",
		"1 of 2 goals missed.",
	}
	for _, line := range want {
		found := false
		for got := range strings.Lines(out.String()) {
			found = found || strings.Join(strings.Fields(got), " ") == line
		}
		if !found {
			t.Errorf("no line %q in\n%s", line, &out)
		}
	}
}

func TestMetricsHaveNoSpaces(t *testing.T) {
	got := map[string]float64{}
	Line{Name: "create, alone, 8 at once", Peer: "peer", Unit: "pods/s", Figure: 1, PeerFigure: 2, Value: 0.5}.Metrics(func(v float64, unit string) { got[unit] = v })
	want := map[string]float64{"create-alone-8-at-once:pods/s": 1, "create-alone-8-at-once:peer-pods/s": 2, "create-alone-8-at-once:peer-ratio": 0.5}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for unit, value := range want {
		if got[unit] != value {
			t.Errorf("%s: got %v, want %v", unit, got[unit], value)
		}
	}
}
