package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// The columns of a table.
const (
	indent    = "         " // as wide as the column of verdicts
	nameWidth = 32          // where names are not known beforehand
	readable  = 120         // no line is wider, unless its name is
)

// Table writes one row for each scenario, what is wrong with it beneath, and the
// summary as the last line.
func (r *Report) Table(w io.Writer) error {
	names, colours := 0, Terminal(w) && colourful()
	for i := range r.Scenarios {
		names = max(names, cellsOf(flat(r.Scenarios[i].Name)))
	}
	out := bufio.NewWriter(w)
	for i := range r.Scenarios {
		// The first failure to write is kept, and returned by Flush.
		_, _ = out.WriteString(row(&r.Scenarios[i], min(names, 2*nameWidth), colours))
	}
	_, _ = out.WriteString(r.Summary() + "\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// row is a scenario's line in a table, with another one beneath if there is
// something to say.
func row(s *Scenario, names int, colours bool) string {
	name, lasted := flat(s.Name), ""
	if s.Verdict != Skipped {
		lasted = lasting(s.Lasted)
	}
	pad := strings.Repeat(" ", max(0, names-cellsOf(name)))
	text := strings.TrimRight(fmt.Sprintf("%s  %s%s  %7s", verdict(s.Verdict, colours), name, pad, lasted), " ") + "\n"
	if why := flat(s.why()); why != "" {
		text += indent + cut(why, readable-len(indent)) + "\n"
	}
	if more := len(s.Differences) - 1; s.Verdict == Failed && more > 0 {
		text += indent + "and " + plural(more, "more difference") + "\n"
	}
	return text
}

// verdict is one in words, padded to its column.
func verdict(v Verdict, colours bool) string {
	word, colour := string(v), ""
	switch v {
	case Passed:
		colour = "32"
	case Failed:
		word, colour = "FAILED", "31"
	case Skipped:
		colour = "33"
	}
	word = fmt.Sprintf("%-7s", word)
	if !colours || colour == "" {
		return word
	}
	return "\x1b[" + colour + "m" + word + "\x1b[0m"
}

// Terminal says whether w is a terminal that can redraw a line.
func Terminal(w io.Writer) bool {
	file, is := w.(*os.File)
	return is && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// colourful says whether the user likes colours, see https://no-color.org.
func colourful() bool { return os.Getenv("NO_COLOR") == "" }
