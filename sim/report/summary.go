package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Counts are the numbers of scenarios by verdict. ExpectedFailures are those of the
// failed ones that the user expected, UnexpectedPasses those of the passed ones that the
// user expected to fail.
type Counts struct {
	Passed           int `json:"passed"`
	Failed           int `json:"failed"`
	NotJudged        int `json:"notJudged"`
	Skipped          int `json:"skipped"`
	ExpectedFailures int `json:"expectedFailures"`
	UnexpectedPasses int `json:"unexpectedPasses"`
}

// LevelResult is the result of the scenarios of one level.
type LevelResult struct {
	Level string `json:"level"`
	Counts
}

func (c *Counts) add(s *Scenario) {
	switch s.Verdict {
	case Passed:
		c.Passed++
		c.UnexpectedPasses += btoi(s.ExpectedFailure)
	case Failed:
		c.Failed++
		c.ExpectedFailures += btoi(s.ExpectedFailure)
	case NotJudged:
		c.NotJudged++
	case Skipped:
		c.Skipped++
	}
}

func (c *Counts) plus(more Counts) {
	c.Passed += more.Passed
	c.Failed += more.Failed
	c.NotJudged += more.NotJudged
	c.Skipped += more.Skipped
	c.ExpectedFailures += more.ExpectedFailures
	c.UnexpectedPasses += more.UnexpectedPasses
}

// String returns the counts as text: "29 of 37 passed (3 failed, 2 not judged, 3 skipped)".
// Verdicts that no scenario has are left out.
func (c Counts) String() string {
	ofThem := func(n int, text string) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf(", %d of them %s", n, text)
	}
	var others []string
	if c.Failed > 0 {
		others = append(others, fmt.Sprintf("%d failed%s", c.Failed, ofThem(c.ExpectedFailures, "expected")))
	}
	if c.NotJudged > 0 {
		others = append(others, fmt.Sprintf("%d not judged", c.NotJudged))
	}
	if c.Skipped > 0 {
		others = append(others, fmt.Sprintf("%d skipped", c.Skipped))
	}
	text := fmt.Sprintf("%d of %d passed%s", c.Passed, c.Passed+c.Failed+c.NotJudged+c.Skipped, ofThem(c.UnexpectedPasses, "not expected to pass"))
	if len(others) > 0 {
		text += " (" + strings.Join(others, ", ") + ")"
	}
	return text
}

// Counts returns the numbers of scenarios by verdict.
func (r *Report) Counts() Counts {
	var c Counts
	for i := range r.Scenarios {
		c.add(&r.Scenarios[i])
	}
	return c
}

// Count returns the number of scenarios with a verdict.
func (r *Report) Count(v Verdict) int {
	c := r.Counts()
	return map[Verdict]int{Passed: c.Passed, Failed: c.Failed, NotJudged: c.NotJudged, Skipped: c.Skipped}[v]
}

// LevelResults returns the result of each level, from the most general one. Scenarios
// without a level are left out.
func (r *Report) LevelResults() []LevelResult {
	var results []LevelResult
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		if s.Level == "" {
			continue
		}
		at := slices.IndexFunc(results, func(l LevelResult) bool { return l.Level == s.Level })
		if at < 0 {
			at = len(results)
			results = append(results, LevelResult{Level: s.Level})
		}
		results[at].add(s)
	}
	slices.SortFunc(results, func(a, b LevelResult) int {
		return cmp.Or(cmp.Compare(levelOrder(a.Level), levelOrder(b.Level)), cmp.Compare(a.Level, b.Level))
	})
	return results
}

// levelOrder returns the place of a level among the others.
func levelOrder(level string) int {
	level, _, _ = strings.Cut(level, ":")
	if i := slices.Index([]string{"core", "optional", "kubernetes", "this-plugin"}, level); i >= 0 {
		return i
	}
	return 4
}

// levels returns the results of the levels, in which all capabilities count together.
func (r *Report) levels() []LevelResult {
	var levels []LevelResult
	for _, l := range r.LevelResults() {
		level, _, _ := strings.Cut(l.Level, ":")
		if last := len(levels) - 1; last < 0 || levels[last].Level != level {
			levels = append(levels, LevelResult{Level: level})
		}
		levels[len(levels)-1].plus(l.Counts)
	}
	return levels
}

// playedCapabilities returns the results of the optional capabilities that were played, by
// their names alone.
func (r *Report) playedCapabilities() []LevelResult {
	var played []LevelResult
	for _, l := range r.LevelResults() {
		level, capability, _ := strings.Cut(l.Level, ":")
		if level == "optional" && capability != "" && l.Passed+l.Failed+l.NotJudged > 0 {
			played = append(played, LevelResult{capability, l.Counts})
		}
	}
	return played
}

// Summary returns the result of the replay as its last lines: one for each level, and one
// for all scenarios, with the real time.
func (r *Report) Summary() string {
	text := ""
	for _, l := range r.levels() {
		text += singleLine(l.Level) + ": " + l.String() + "\n"
	}
	return text + fmt.Sprintf("total: %s in %s\n", r.Counts(), realTime(r.Took))
}

// Problems returns why the replay as a whole did not succeed; none if it did.
func (r *Report) Problems() []string {
	var problems []string
	c := r.Counts()
	if r.Interrupted != "" {
		problems = append(problems, "The replay was interrupted: "+r.Interrupted+".")
	}
	if r.PluginGone != "" {
		problems = append(problems, capitalized(r.PluginGone)+".")
	}
	if n := c.Failed - c.ExpectedFailures; n > 0 {
		problems = append(problems, plural(n, "scenario")+" failed.")
	}
	for i := range r.Scenarios {
		if s := &r.Scenarios[i]; s.passedUnexpectedly() {
			problems = append(problems, fmt.Sprintf("Scenario %s passed, and is listed as an expected failure: take it off the list.", s.Name))
		}
	}
	if r.Strict && c.NotJudged > 0 {
		problems = append(problems, "The run is strict, and did not judge "+plural(c.NotJudged, "scenario")+".")
	}
	if c.Passed+c.Failed == 0 {
		problems = append(problems, "No scenario was judged.")
	}
	return problems
}

// notPlayed reports whether a scenario was not played because the plugin did not answer any
// more.
func (r *Report) notPlayed(s *Scenario) bool {
	return r.PluginGone != "" && s.Verdict == NotJudged && slices.Contains(s.NotJudged, r.PluginGone)
}

func capitalized(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func (s *Scenario) passedUnexpectedly() bool { return s.ExpectedFailure && s.Verdict == Passed }

// failsTheRun reports whether the verdict makes the replay fail. (A strict replay also
// fails for what is not judged.)
func (s *Scenario) failsTheRun() bool {
	return s.passedUnexpectedly() || s.Verdict == Failed && !s.ExpectedFailure
}
