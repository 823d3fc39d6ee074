package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// document is the JSON of a report: the report itself, and what follows from it, for
// programs that only need the result.
type document struct {
	SchemaVersion int `json:"schemaVersion"`
	// Succeeded is false if the replay as a whole failed; Problems say why.
	Succeeded    bool          `json:"succeeded"`
	Problems     []string      `json:"problems,omitempty"`
	Summary      Counts        `json:"summary"`
	LevelResults []LevelResult `json:"levelResults,omitempty"`
	Causes       []Cause       `json:"causes,omitempty"`
	Report
}

// JSON writes the report as JSON, indented so that people can read it too.
func (r *Report) JSON(w io.Writer) error {
	d := document{
		SchemaVersion: SchemaVersion, Succeeded: len(r.Problems()) == 0, Problems: r.Problems(), Summary: r.Counts(),
		LevelResults: r.LevelResults(), Causes: r.Causes(), Report: *r,
	}
	if d.Scenarios == nil {
		d.Scenarios = []Scenario{} // a list, not null
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // the file is not part of a page
	if err := encoder.Encode(d); err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	return nil
}
