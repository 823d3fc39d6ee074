package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// JSON writes the report so that people can read it and [ReadJSON] can.
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

// ReadJSON reads one report, and nothing that is not one: an unknown field or
// verdict is an error, and so is anything that follows.
func ReadJSON(r io.Reader) (*Report, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var report *Report
	if err := decoder.Decode(&report); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if report == nil {
		return nil, errors.New("read report: it is null")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read report: there is more after its end")
	}
	for _, s := range report.Scenarios {
		if !slices.Contains([]Verdict{Passed, Failed, Skipped}, s.Verdict) {
			return nil, fmt.Errorf("read report: scenario %q has the verdict %q, which there is not", s.Name, s.Verdict)
		}
	}
	return report, nil
}
