package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

var (
	//go:embed page.gohtml
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"scenarioTime": scenarioTime, "plural": plural, "realTime": realTime, "timeline": newTimeline,
	}).Parse(pageText))
)

// HTML writes the report as one page, which loads nothing else. Text that comes from
// the plugin or from a log is escaped, so that it cannot change the page.
func (r *Report) HTML(w io.Writer) error {
	out := bufio.NewWriter(w)
	err := pageTemplate.Execute(out, map[string]any{
		"Report": r,
		"Style":  template.CSS(pageStyle),
		"Script": template.JS(pageScript),
		"Verdicts": []struct {
			Verdict Verdict
			Count   int
		}{{Failed, r.Count(Failed)}, {NotJudged, r.Count(NotJudged)}, {Passed, r.Count(Passed)}, {Skipped, r.Count(Skipped)}},
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write report as HTML: %w", err)
	}
	return nil
}
