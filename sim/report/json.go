package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the report as JSON, indented so that people can read it too.
func (r *Report) JSON(w io.Writer) error {
	report := *r
	if report.Scenarios == nil {
		report.Scenarios = []Scenario{} // a list, not null
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // the file is not part of a page
	if err := encoder.Encode(report); err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	return nil
}
