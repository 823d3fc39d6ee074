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
		"lasting": lasting, "plural": plural, "took": took, "timeline": newTimeline,
	}).Parse(pageText))
)

// HTML writes the report as one page, which loads nothing from anywhere. Whatever
// was found, as lines of a log, is shown as text and never as a part of the page.
func (r *Report) HTML(w io.Writer) error {
	out := bufio.NewWriter(w)
	err := pageTemplate.Execute(out, map[string]any{
		"Report": r,
		"Style":  template.CSS(pageStyle),
		"Script": template.JS(pageScript),
		"Verdicts": []struct {
			Verdict Verdict
			Count   int
		}{{Failed, r.Count(Failed)}, {Passed, r.Count(Passed)}, {Skipped, r.Count(Skipped)}},
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write report as HTML: %w", err)
	}
	return nil
}
