package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Line is one line of the table.
type Line struct {
	// Name is what was measured, and Peer what it is compared with.
	Name, Peer string
	// Unit is the unit of Figure, the plugin's, and of PeerFigure.
	Unit               string
	Figure, PeerFigure float64
	// Value is what the goal is about: mostly the ratio of the two figures. It has ValueUnit, if that is
	// not empty.
	Value     float64
	ValueUnit string
	// Goal is nil if the line only informs.
	Goal *Goal
}

// Goal is a limit for the value of a line.
type Goal struct {
	Limit  float64
	AtMost bool // otherwise: at least
}

func atLeast(limit float64) *Goal { return &Goal{Limit: limit} }

func atMost(limit float64) *Goal { return &Goal{Limit: limit, AtMost: true} }

// Met reports whether the value is within the goal.
func (l Line) Met() bool {
	switch {
	case l.Goal == nil:
		return true
	case l.Goal.AtMost:
		return l.Value <= l.Goal.Limit
	}
	return l.Value >= l.Goal.Limit
}

// ratioLine returns a line whose value is the median of the ratios of the rounds: the two figures of
// one round were measured one after the other, so a change of the machine's load hits both.
func ratioLine(name, peer, unit string, figures, peers []float64, goal *Goal) Line {
	ratios := make([]float64, len(figures))
	for i := range figures {
		ratios[i] = figures[i] / peers[i]
	}
	return Line{Name: name, Peer: peer, Unit: unit, Figure: median(figures), PeerFigure: median(peers), Value: median(ratios), Goal: goal}
}

// rounds calls measure for plugin and peer in turns; the first of a round is the second of the next one.
func rounds(count int, measure func(round int, peer bool) error) error {
	for round := range count {
		for _, peer := range []bool{round%2 == 1, round%2 == 0} {
			if err := measure(round, peer); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
		}
	}
	return nil
}

func median(values []float64) float64 { return percentile(values, 50) }

// percentile returns the smallest value that p percent of the values do not exceed.
func percentile(values []float64, p int) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// Metrics reports the figures for [testing.B.ReportMetric]. Their units begin with the name of the line,
// because one measurement can have several lines, and lines with the same name have several peers.
func (l Line) Metrics(report func(value float64, unit string)) {
	dashed := func(text string) string {
		return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,()", r) }), "-")
	}
	name := dashed(l.Name) + ":"
	report(l.Figure, name+cmp.Or(l.Unit, "count"))
	if l.Peer != "" {
		peer := name + dashed(l.Peer) + "-"
		report(l.PeerFigure, peer+l.Unit)
		report(l.Value, peer+cmp.Or(dashed(l.ValueUnit), "ratio"))
	}
}
