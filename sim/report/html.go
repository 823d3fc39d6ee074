package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/docs"
)

var (
	//go:embed page.gohtml
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"scenarioTime": scenarioTime, "plural": plural, "realTime": realTime, "timeline": newTimeline, "codeParts": codeParts,
		"ruleText": docs.RuleText, "class": func(v Verdict) string { return strings.ReplaceAll(string(v), " ", "-") },
		"join": strings.Join, "failsTheRun": (*Scenario).failsTheRun, "passedUnexpectedly": (*Scenario).passedUnexpectedly,
	}).Parse(pageText))
)

// HTML writes the report as one page, which loads nothing else. Text that comes from
// the plugin or from a log is escaped, so that it cannot change the page.
func (r *Report) HTML(w io.Writer) error {
	out := bufio.NewWriter(w)
	causes := r.Causes()
	shown := min(len(causes), maxCauses)
	err := pageTemplate.Execute(out, map[string]any{
		"Report":     r,
		"Style":      template.CSS(pageStyle),
		"Script":     template.JS(pageScript),
		"Problems":   r.Problems(),
		"Causes":     causes[:shown],
		"MoreCauses": causes[shown:],
		"Levels":     r.levels(),
		"Played":     r.playedCapabilities(),
		"Observed":   r.observedRemote(),
		"Rules":      r.citedRules(),
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

// observedRemote reports whether the remote cluster was looked at: it showed a pod.
func (r *Report) observedRemote() bool {
	return slices.ContainsFunc(r.Scenarios, func(s Scenario) bool {
		return slices.ContainsFunc(s.Pods, func(p Pod) bool { return len(p.Remote) > 0 })
	})
}

// citedRules returns the rules of the contract that differences cite, in its order.
func (r *Report) citedRules() []docs.Rule {
	cited := map[string]bool{}
	for _, cause := range r.Causes() {
		cited[cause.Rule] = true
	}
	var rules []docs.Rule
	for _, rule := range docs.Rules() {
		if cited[rule.Number] {
			rules = append(rules, rule)
		}
	}
	return rules
}

// codePart is a part of a text that is code, or is not.
type codePart struct {
	Text string
	Code bool
}

// codeParts splits a text at its backticks.
func codeParts(text string) []codePart {
	var parts []codePart
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			parts = append(parts, codePart{part, i%2 == 1})
		}
	}
	return parts
}
