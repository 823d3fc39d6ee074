package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Skipped  int           `xml:"skipped,attr"`
	Time     string        `xml:"time,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as JUnit XML, with one suite for each level. JUnit knows no
// fourth verdict: a scenario that is not judged, and a failure that is expected, count as
// skipped, and the message says which it is. A scenario that was not played because the plugin
// did not answer any more is an error.
func (r *Report) JUnit(w io.Writer) error {
	all := junitSuites{Name: "InterLink plugin conformance", Time: seconds(r.Took)}
	took := map[*junitSuite]float64{}
	suiteOf := map[string]*junitSuite{}
	for _, level := range r.LevelResults() {
		suite := &junitSuite{Name: level.Level}
		suiteOf[level.Level], all.Suites = suite, append(all.Suites, suite)
	}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		suite := suiteOf[s.Level]
		if suite == nil { // scenarios without a level
			suite = &junitSuite{Name: "scenarios"}
			suiteOf[s.Level], all.Suites = suite, append(all.Suites, suite)
		}
		c := r.junitCase(s, suite.Name)
		suite.Cases = append(suite.Cases, c)
		for _, count := range []struct{ tests, failures, errors, skipped *int }{{&all.Tests, &all.Failures, &all.Errors, &all.Skipped}, {&suite.Tests, &suite.Failures, &suite.Errors, &suite.Skipped}} {
			*count.tests++
			*count.failures += btoi(c.Failure != nil)
			*count.errors += btoi(c.Error != nil)
			*count.skipped += btoi(c.Skipped != nil)
		}
		took[suite] += s.Took
	}
	for _, suite := range all.Suites {
		suite.Time = seconds(took[suite])
		if !r.Started.IsZero() {
			suite.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
		}
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	_, err := io.WriteString(w, xml.Header)
	if err == nil {
		err = encoder.Encode(all)
	}
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	if err != nil {
		return fmt.Errorf("write report as JUnit XML: %w", err)
	}
	return nil
}

func (r *Report) junitCase(s *Scenario, class string) junitCase {
	c := junitCase{Class: class, Name: s.Name, Time: seconds(s.Took)}
	switch {
	case s.Verdict == Failed && s.ExpectedFailure:
		c.Skipped = &junitMessage{Message: "expected failure: " + s.reason()}
	case s.Verdict == Failed:
		c.Failure = &junitMessage{Message: s.reason(), Text: s.junitText()}
		if len(s.Differences) > 0 {
			c.Failure.Type = cmp.Or(s.Differences[0].Rule, "difference")
		}
	case s.passedUnexpectedly():
		c.Failure = &junitMessage{Message: "it passed, and is listed as an expected failure", Type: "unexpected pass"}
	case r.notPlayed(s):
		c.Error = &junitMessage{Message: "not played: " + s.reason(), Type: "no plugin"}
	case s.Verdict == NotJudged && r.Strict:
		c.Failure = &junitMessage{Message: "not judged: " + s.reason(), Type: "not judged", Text: strings.Join(s.NotJudged, "\n")}
	case s.Verdict == NotJudged:
		c.Skipped = &junitMessage{Message: "not judged: " + s.reason()}
	case s.Verdict == Skipped:
		c.Skipped = &junitMessage{Message: s.Skipped}
	}
	return c
}

// junitText returns all differences, each with what explains it.
func (s *Scenario) junitText() string {
	var text strings.Builder
	for _, d := range s.Differences {
		_, _ = fmt.Fprintln(&text, d)
		for _, line := range []struct{ label, text string }{{"Effect", d.Consequence}, {"Right", d.Right}} {
			if line.text != "" {
				_, _ = fmt.Fprintf(&text, "  %s: %s\n", line.label, line.text)
			}
		}
		for _, more := range d.FollowOns {
			_, _ = fmt.Fprintf(&text, "  follows from it: %s\n", more)
		}
	}
	return text.String()
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
