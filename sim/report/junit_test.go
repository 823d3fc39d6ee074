package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJUnit(t *testing.T) {
	r := sample()
	r.Scenarios = append(r.Scenarios,
		Scenario{Name: "known", Verdict: Failed, ExpectedFailure: true, Level: "core", Differences: []Difference{{Text: "<it> differs"}}},
		Scenario{Name: "mended", Verdict: Passed, ExpectedFailure: true},
	)
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="InterLink plugin conformance" tests="7" failures="2" errors="0" skipped="3" time="4.240">
  <testsuite name="core" tests="4" failures="0" errors="0" skipped="2" time="0.100" timestamp="2026-03-04T15:04:05">
    <testcase classname="core" name="no-time" time="0.000"></testcase>
    <testcase classname="core" name="plain-pod" time="0.100">
      <skipped message="not judged: whether the containers ran: their logs do not show it"></skipped>
    </testcase>
    <testcase classname="core" name="without-pods" time="0.000"></testcase>
    <testcase classname="core" name="known" time="0.000">
      <skipped message="expected failure: &lt;it&gt; differs"></skipped>
    </testcase>
  </testsuite>
  <testsuite name="optional:restarts" tests="1" failures="1" errors="0" skipped="0" time="0.300" timestamp="2026-03-04T15:04:05">
    <testcase classname="optional:restarts" name="crash-loop" time="0.300">
      <failure message="STATUS-37: pod job showed the phases [Pending Running], expected [Pending Running Failed]" type="STATUS-37">STATUS-37: pod job showed the phases [Pending Running], expected [Pending Running Failed]&#xA;  Effect: The user waits for a pod that has ended.&#xA;  Right: Show the phase Failed when a container has failed.&#xA;  follows from it: container main of pod job never ended&#xA;STATUS-18: container main of pod job has exit code 0, expected 3&#xA;and a second line with a-word-that-is-much-too-long-LONG for any column&#xA;</failure>
    </testcase>
  </testsuite>
  <testsuite name="this-plugin" tests="1" failures="0" errors="0" skipped="1" time="0.000" timestamp="2026-03-04T15:04:05">
    <testcase classname="this-plugin" name="refuse-hostpath" time="0.000">
      <skipped message="it sets options of this plugin, and the plugin that runs has others"></skipped>
    </testcase>
  </testsuite>
  <testsuite name="scenarios" tests="1" failures="1" errors="0" skipped="0" time="0.000" timestamp="2026-03-04T15:04:05">
    <testcase classname="scenarios" name="mended" time="0.000">
      <failure message="it passed, and is listed as an expected failure" type="unexpected pass"></failure>
    </testcase>
  </testsuite>
</testsuites>
`
	var out bytes.Buffer
	if err := r.JUnit(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(want, "LONG", long), out.String()); diff != "" {
		t.Error(diff)
	}
}

// What was not played because the plugin is gone is an error, not skipped.
func TestJUnitOfAPluginThatIsGone(t *testing.T) {
	const gone = "the plugin does not answer any more since a"
	r := &Report{PluginGone: gone, Scenarios: []Scenario{
		{Name: "a", Verdict: Failed, ExpectedFailure: true}, {Name: "b", Verdict: NotJudged, NotJudged: []string{gone}}, {Name: "c", Verdict: NotJudged, NotJudged: []string{"why"}},
	}}
	var out bytes.Buffer
	if err := r.JUnit(&out); err != nil || strings.Count(out.String(), "<error ") != 1 || strings.Count(out.String(), "<skipped ") != 2 ||
		!strings.Contains(out.String(), `<error message="not played: `+gone+`" type="no plugin">`) || !strings.Contains(out.String(), `errors="1" skipped="2"`) {
		t.Errorf("error %v\n%s", err, out.String())
	}
}

func TestJUnitOfAStrictRunFailsWhatIsNotJudged(t *testing.T) {
	r := &Report{Strict: true, Scenarios: []Scenario{{Name: "a", Verdict: NotJudged, NotJudged: []string{"why"}}}}
	var out bytes.Buffer
	if err := r.JUnit(&out); err != nil || !strings.Contains(out.String(), `<failure message="not judged: why"`) {
		t.Errorf("%v\n%s", err, &out)
	}
}

// Any text is valid XML, and stays what it is.
func TestJUnitEscapesText(t *testing.T) {
	var out bytes.Buffer
	if err := hostileReport().JUnit(&out); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(&out)
	for {
		_, err := decoder.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
