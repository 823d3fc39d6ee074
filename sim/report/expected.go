package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadExpectedFailures reads a list of scenarios that are expected to fail: one name a
// line. Empty lines, and all after a #, are ignored.
func ReadExpectedFailures(r io.Reader) ([]string, error) {
	var names []string
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		switch fields := strings.Fields(line); {
		case len(fields) == 0:
		case len(fields) > 1:
			return nil, fmt.Errorf("line %d has %d words, want one name of a scenario", n, len(fields))
		case slices.Contains(names, fields[0]):
			return nil, fmt.Errorf("line %d names scenario %s a second time", n, fields[0])
		default:
			names = append(names, fields[0])
		}
	}
	return names, lines.Err()
}

// ExpectFailures marks the scenarios that are expected to fail.
func (r *Report) ExpectFailures(names []string) {
	for i := range r.Scenarios {
		r.Scenarios[i].ExpectedFailure = slices.Contains(names, r.Scenarios[i].Name)
	}
}
