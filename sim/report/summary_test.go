package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLevelResults(t *testing.T) {
	r := &Report{}
	for _, s := range []struct {
		level   string
		verdict Verdict
	}{
		{"this-plugin", Skipped}, {"other", Passed}, {"kubernetes", Failed}, {"optional:restarts", Passed}, {"optional:claims", NotJudged}, {"", Passed},
		{"core", Passed}, {"core", Failed}, {"core", Passed},
	} {
		r.Scenarios = append(r.Scenarios, Scenario{Level: s.level, Verdict: s.verdict})
	}
	want := []LevelResult{
		{"core", Counts{Passed: 2, Failed: 1}}, {"optional:claims", Counts{NotJudged: 1}}, {"optional:restarts", Counts{Passed: 1}},
		{"kubernetes", Counts{Failed: 1}}, {"this-plugin", Counts{Skipped: 1}}, {"other", Counts{Passed: 1}},
	}
	if diff := cmp.Diff(want, r.LevelResults()); diff != "" {
		t.Error(diff)
	}
}

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		report Report
		want   []string
	}{
		"all passed":           {Report{Scenarios: []Scenario{{Verdict: Passed}, {Verdict: Skipped}}}, nil},
		"a failure":            {Report{Scenarios: []Scenario{{Verdict: Passed}, {Verdict: Failed}}}, []string{"1 scenario failed."}},
		"an expected failure":  {Report{Scenarios: []Scenario{{Verdict: Failed, ExpectedFailure: true}}}, nil},
		"an unexpected pass":   {Report{Scenarios: []Scenario{{Name: "a", Verdict: Passed, ExpectedFailure: true}}}, []string{"Scenario a passed, and is listed as an expected failure: take it off the list."}},
		"not judged":           {Report{Scenarios: []Scenario{{Verdict: Passed}, {Verdict: NotJudged}}}, nil},
		"not judged, strict":   {Report{Strict: true, Scenarios: []Scenario{{Verdict: Passed}, {Verdict: NotJudged}}}, []string{"The run is strict, and did not judge 1 scenario."}},
		"expected, not judged": {Report{Scenarios: []Scenario{{Verdict: Passed}, {Verdict: NotJudged, ExpectedFailure: true}}}, nil},
		"the plugin is gone": {
			Report{PluginGone: "the plugin does not answer any more since a", Scenarios: []Scenario{{Verdict: Failed, ExpectedFailure: true}, {Verdict: NotJudged}}},
			[]string{"The plugin does not answer any more since a."},
		},
		// Nothing was looked at, so nothing is green.
		"none judged": {Report{Scenarios: []Scenario{{Verdict: NotJudged}, {Verdict: Skipped}}}, []string{"No scenario was judged."}},
		"interrupted": {Report{Interrupted: "signal", Scenarios: []Scenario{{Verdict: Passed}}}, []string{"The replay was interrupted: signal."}},
	} {
		if diff := cmp.Diff(c.want, c.report.Problems()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The last lines of a run are the results of each level and of all scenarios.
func TestSummary(t *testing.T) {
	r := Report{Took: 2, Scenarios: []Scenario{
		{Level: "optional:restarts", Verdict: Passed}, {Level: "core", Verdict: Failed, ExpectedFailure: true}, {Level: "core", Verdict: Failed},
		{Level: "core", Verdict: Passed, ExpectedFailure: true}, {Level: "core", Verdict: NotJudged}, {Level: "optional:claims", Verdict: Skipped}, {Verdict: Passed},
	}}
	const want = `core: 1 of 4 passed, 1 of them not expected to pass (2 failed, 1 of them expected, 1 not judged)
optional: 1 of 2 passed (1 skipped)
total: 3 of 7 passed, 1 of them not expected to pass (2 failed, 1 of them expected, 1 not judged, 1 skipped) in 2.0 s
`
	if diff := cmp.Diff(want, r.Summary()); diff != "" {
		t.Error(diff)
	}
}

// A long list of causes is shown in part; the page has the others behind a click.
func TestPageShowsTheFirstCauses(t *testing.T) {
	r := &Report{}
	for i := range maxCauses + 3 {
		r.Scenarios = append(r.Scenarios, Scenario{Level: "optional:restarts", Verdict: Failed, Differences: []Difference{{Rule: fmt.Sprint("RULE-", i)}}})
	}
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<summary>3 more causes</summary>", `<tr><th scope="row">optional</th>`, `<tr class="capability"><th scope="row">restarts</th>`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}
