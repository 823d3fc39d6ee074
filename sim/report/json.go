package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the report for programs, indented for people.
func (r *Report) JSON(w io.Writer) error {
	report := *r
	if report.Scenarios == nil {
		report.Scenarios = []Scenario{} // null is no list
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // it is a file of its own, and < is easier to read
	if err := encoder.Encode(report); err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	return nil
}
