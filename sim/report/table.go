package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// The layout of the table, in columns of the terminal.
const (
	indent    = "         " // as wide as a verdict and the space after it
	nameWidth = 32          // used when not all names are known yet
	lineWidth = 120         // lines are truncated to it, unless the name is longer
)

// Table writes one row for each scenario, with its first difference below, and the
// summary as the last line.
func (r *Report) Table(w io.Writer) error {
	names, colors := 0, IsTerminal(w) && wantsColors()
	for i := range r.Scenarios {
		names = max(names, textWidth(singleLine(r.Scenarios[i].Name)))
	}
	out := bufio.NewWriter(w)
	for i := range r.Scenarios {
		// Flush returns the first error of all writes.
		_, _ = out.WriteString(row(&r.Scenarios[i], min(names, 2*nameWidth), colors))
	}
	_, _ = out.WriteString(r.Summary() + "\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// row returns the row of a scenario, with the reason of its verdict on the next line.
// names is the width of the names.
func row(s *Scenario, names int, colors bool) string {
	name, lasted := singleLine(s.Name), ""
	if s.Verdict != Skipped {
		lasted = scenarioTime(s.Lasted)
	}
	pad := strings.Repeat(" ", max(0, names-textWidth(name)))
	text := strings.TrimRight(fmt.Sprintf("%s  %s%s  %7s", verdictCell(s.Verdict, colors), name, pad, lasted), " ") + "\n"
	if reason := singleLine(s.reason()); reason != "" {
		text += indent + truncate(reason, lineWidth-len(indent)) + "\n"
	}
	if more := len(s.Differences) - 1; s.Verdict == Failed && more > 0 {
		text += indent + "and " + plural(more, "more difference") + "\n"
	}
	return text
}

// verdictCell returns a verdict with the width of its column.
func verdictCell(v Verdict, colors bool) string {
	word, color := string(v), ""
	switch v {
	case Passed:
		color = "32"
	case Failed:
		word, color = "FAILED", "31"
	case Skipped:
		color = "33"
	}
	word = fmt.Sprintf("%-7s", word)
	if !colors || color == "" {
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
