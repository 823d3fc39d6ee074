package report

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// The layout of the table, in columns of the terminal.
const (
	indent    = "            " // as wide as a verdict and the space after it
	nameWidth = 32             // used when not all names are known yet
	lineWidth = 120            // lines are truncated to it, unless the name is longer
	maxCauses = 10             // the page and the JSON have all
	// maxCauseText is how much of a cause is shown, on several lines.
	maxCauseText = 400
)

// Table writes the causes of the failures, one row for each scenario with the reason of
// its verdict below, and the totals.
func (r *Report) Table(w io.Writer) error {
	names, colors := 0, IsTerminal(w) && wantsColors()
	for i := range r.Scenarios {
		names = max(names, textWidth(singleLine(r.Scenarios[i].Name)))
	}
	text := r.causeTable()
	for i := range r.Scenarios {
		text += row(&r.Scenarios[i], min(names, 2*nameWidth), colors)
	}
	return writeText(w, text+r.totals())
}

// Totals writes what Table does, without the rows of the scenarios.
func (r *Report) Totals(w io.Writer) error { return writeText(w, r.causeTable()+r.totals()) }

func writeText(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// causeTable returns the causes of the failures; "" if there are none.
func (r *Report) causeTable() string {
	causes := r.Causes()
	if len(causes) == 0 {
		return ""
	}
	text := r.CauseLine() + "\n"
	for i, c := range causes {
		if i == maxCauses {
			text += indent + "and " + plural(len(causes)-i, "more cause") + "\n"
			break
		}
		what := truncate(singleLine(Difference{Rule: c.Rule, Text: c.Text}.String()), maxCauseText)
		text += fmt.Sprintf("%10d  %s", len(c.Scenarios), strings.TrimPrefix(wrapped(what), indent))
		if c.Consequence != "" {
			text += wrapped(singleLine(c.Consequence))
		}
		if c.Right != "" {
			text += wrapped("Right: " + singleLine(c.Right))
		}
		text += indent + truncate("in "+singleLine(strings.Join(c.Scenarios, ", ")), lineWidth-len(indent)) + "\n"
	}
	return text + "\n"
}

// wrapped returns a text in lines that are not longer than lineWidth.
func wrapped(text string) string {
	out, line := "", ""
	for _, word := range strings.Fields(text) {
		word = truncate(word, lineWidth-len(indent))
		if line != "" && textWidth(line)+1+textWidth(word) > lineWidth-len(indent) {
			out, line = out+indent+line+"\n", ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return out + indent + line + "\n"
}

// totals returns the result of each optional capability, what made the replay fail, and
// the summary.
func (r *Report) totals() string {
	text := "\n" + r.capabilityTable()
	for _, problem := range r.Problems() {
		text += truncate(singleLine(problem), lineWidth) + "\n"
	}
	return text + r.Summary()
}

// capabilityTable returns the results of the optional capabilities that were played.
func (r *Report) capabilityTable() string {
	width, played := 0, r.playedCapabilities()
	for _, l := range played {
		width = max(width, textWidth(singleLine(l.Level)))
	}
	if len(played) == 0 {
		return ""
	}
	text := "Optional capabilities:\n"
	for _, l := range played {
		name := singleLine(l.Level)
		text += "  " + name + strings.Repeat(" ", width-textWidth(name)) + "  " + l.String() + "\n"
	}
	return text + "\n"
}

// row returns the row of a scenario, with the reason of its verdict on the next line.
// names is the width of the names.
func row(s *Scenario, names int, colors bool) string {
	name, lasted := singleLine(s.Name), ""
	if s.Verdict != Skipped {
		lasted = scenarioTime(s.Lasted)
	}
	pad := strings.Repeat(" ", max(0, names-textWidth(name)))
	text := strings.TrimRight(fmt.Sprintf("%s  %s%s  %7s", verdictCell(s, colors), name, pad, lasted), " ") + "\n"
	if reason := singleLine(s.reason()); reason != "" {
		text += indent + truncate(reason, lineWidth-len(indent)) + "\n"
	}
	if more := len(s.Differences) - 1; s.Verdict == Failed && more > 0 {
		text += indent + "and " + plural(more, "more difference") + "\n"
	}
	return text
}

// verdictCell returns a verdict with the width of its column. Capital letters mark what
// fails the run.
func verdictCell(s *Scenario, colors bool) string {
	word, color := string(s.Verdict), ""
	switch {
	case s.failsTheRun():
		word, color = strings.ToUpper(word), "31"
	case s.Verdict == Passed:
		color = "32"
	case s.Verdict == NotJudged:
		color = "35"
	default:
		color = "33"
	}
	word = fmt.Sprintf("%-10s", word)
	if !colors {
		return word
	}
	return "\x1b[" + color + "m" + word + "\x1b[0m"
}

// IsTerminal reports whether w is a terminal that can rewrite a line.
func IsTerminal(w io.Writer) bool {
	file, is := w.(*os.File)
	return is && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// wantsColors reports whether the user allows colors, see https://no-color.org.
func wantsColors() bool { return os.Getenv("NO_COLOR") == "" }
