package chaos

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteTable writes for each fault how many cases were played, and what they found. It
// returns the number of findings.
func WriteTable(w io.Writer, outcomes []Outcome) (findings int, err error) {
	var faults []string
	rows := map[string]*row{"all": newRow()}
	for _, o := range outcomes {
		if rows[o.Fault] == nil {
			rows[o.Fault] = newRow()
			faults = append(faults, o.Fault)
		}
		rows[o.Fault].add(o)
		rows["all"].add(o)
	}
	slices.Sort(faults)
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	_, _ = fmt.Fprintf(table, "| fault\t| runs\t| did not happen\t| %s\t|\n", strings.Join(findingKinds, "\t| ")) // Flush returns the error
	_, _ = fmt.Fprintf(table, "|%s\n", strings.Repeat(" ---\t|", 3+len(findingKinds)))
	for _, fault := range append(faults, "all") {
		r := rows[fault]
		_, _ = fmt.Fprintf(table, "| %s\t| %d\t| %d\t|", fault, r.runs, r.notReached)
		for _, kind := range findingKinds {
			_, _ = fmt.Fprintf(table, " %d\t|", r.found[kind])
			if fault == "all" {
				findings += r.found[kind]
			}
		}
		_, _ = fmt.Fprintln(table)
	}
	return findings, table.Flush()
}

// row sums up the cases of a fault.
type row struct {
	runs, notReached int
	found            map[string]int // cases with such a finding
}

func newRow() *row { return &row{found: map[string]int{}} }

func (r *row) add(o Outcome) {
	r.runs++
	if !o.Reached {
		r.notReached++
	}
	for _, kind := range findingKinds {
		if slices.ContainsFunc(o.Findings, func(f Finding) bool { return f.Kind == kind }) {
			r.found[kind]++
		}
	}
}
