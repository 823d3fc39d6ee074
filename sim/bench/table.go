package bench

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"text/tabwriter"
)

// Table measures all lines, prints them, and returns them. It ends at the first error. Missing a goal is
// not an error.
func Table(ctx context.Context, b *Bench, w io.Writer) ([]Line, error) {
	only, err := regexp.Compile(b.options.Only)
	if err != nil {
		return nil, err
	}
	if err := b.printMachine(w); err != nil {
		return nil, err
	}
	var all []Line
	measurements := b.options.Measurements
	if measurements == nil {
		measurements = Measurements()
	}
	for _, m := range measurements {
		if !only.MatchString(m.Name) {
			continue
		}
		b.options.Log("measuring: %s", m.Name)
		lines, err := m.Run(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		for _, l := range lines {
			b.options.Log("  %s: %s, %s: %s %s %s", l.Name, number(l.Figure, l.Unit), l.Peer, l.peerText(), l.valueText(), l.verdict())
		}
		all = append(all, lines...)
	}
	return all, writeTable(w, all)
}

// writeTable writes lines as a table of Markdown with aligned columns.
func writeTable(w io.Writer, lines []Line) error {
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	row := func(cells ...any) {
		_, _ = fmt.Fprintf(table, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", cells...) // Flush returns the error
	}
	row("line", "peer", "plugin", "peer's", "ratio", "goal", "")
	row("---", "---", "---", "---", "---", "---", "---")
	goals, missed := 0, 0
	for _, l := range lines {
		if l.Goal != nil {
			goals++
		}
		if !l.Met() {
			missed++
		}
		row(l.Name, l.Peer, number(l.Figure, l.Unit), l.peerText(), l.valueText(), l.goalText(), l.verdict())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d of %d goals missed.\n", missed, goals)
	return err
}

func (l Line) peerText() string {
	if l.Peer == "" {
		return ""
	}
	return number(l.PeerFigure, l.Unit)
}

// valueText is empty if the value is the figure itself.
func (l Line) valueText() string {
	if l.Peer == "" {
		return ""
	}
	return number(l.Value, l.ValueUnit)
}

func (l Line) goalText() string {
	switch {
	case l.Goal == nil:
		return ""
	case l.Goal.AtMost:
		return "≤ " + number(l.Goal.Limit, l.ValueUnit)
	}
	return "≥ " + number(l.Goal.Limit, l.ValueUnit)
}

func (l Line) verdict() string {
	switch {
	case l.Goal == nil:
		return ""
	case l.Met():
		return "met"
	}
	return "MISSED"
}

// number returns a figure with three digits and its unit.
func number(value float64, unit string) string {
	text := fmt.Sprintf("%.3g", value)
	if value >= 1000 { // not 1e+03
		text = fmt.Sprintf("%.0f", value)
	}
	if unit != "" {
		text += " " + unit
	}
	return text
}
