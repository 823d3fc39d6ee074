package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCauses(t *testing.T) {
	failed := func(name, pod string, differences ...Difference) Scenario {
		return Scenario{Name: name, Verdict: Failed, Differences: differences, Pods: []Pod{{Name: pod}}}
	}
	r := &Report{Scenarios: []Scenario{
		failed("one", "a", Difference{Rule: "STATUS-18", Text: "container main of pod a has exit code 0, expected 3"}),
		failed("two", "web-1", Difference{Rule: "CREATE-4", Text: `create of pod web-1 was answered 201: {"PodUID":"0f8e3a52-5b0e-4c53-9d0a-3f6b1f0a7a11"}`, Consequence: "c", Right: "r"}),
		failed("three", "ns/web-2", Difference{Rule: "CREATE-4", Text: `create of pod web-2 was answered 201: {"PodUID":"1f8e3a52-5b0e-4c53-9d0a-3f6b1f0a7a12"}`},
			Difference{Rule: "STATUS-18", Text: "container other of pod ns/web-2 has exit code 0, expected 137"}),
		// Another code is another cause, and so is another rule.
		failed("four", "b", Difference{Rule: "CREATE-4", Text: `create of pod b was answered 500: {"PodUID":"x"}`}),
		failed("five", "b", Difference{Rule: "CREATE-5", Text: `create of pod b was answered 500: {"PodUID":"x"}`}, Difference{Rule: "CREATE-5", Text: `create of pod b was answered 500: ""`}),
		{Name: "passed", Verdict: Passed},
	}}
	want := []Cause{
		{Rule: "STATUS-18", Text: "container main of pod a has exit code 0, expected 3", Scenarios: []string{"one", "three"}},
		{Rule: "CREATE-4", Text: `create of pod web-1 was answered 201: {"PodUID":"0f8e3a52-5b0e-4c53-9d0a-3f6b1f0a7a11"}`, Consequence: "c", Right: "r", Scenarios: []string{"two", "three"}},
		{Rule: "CREATE-4", Text: `create of pod b was answered 500: {"PodUID":"x"}`, Scenarios: []string{"four"}},
		{Rule: "CREATE-5", Text: `create of pod b was answered 500: {"PodUID":"x"}`, Scenarios: []string{"five"}},
		{Rule: "CREATE-5", Text: `create of pod b was answered 500: ""`, Scenarios: []string{"five"}},
	}
	if diff := cmp.Diff(want, r.Causes()); diff != "" {
		t.Error(diff)
	}
	if got := r.CauseLine(); got != "5 failures, 5 causes" {
		t.Error(got)
	}
	if got := (&Report{Scenarios: []Scenario{{Verdict: Passed}}}).CauseLine(); got != "" {
		t.Errorf("%q without a failure", got)
	}
}

func TestOneCauseOfManyFailures(t *testing.T) {
	r := &Report{}
	for _, name := range []string{"plain", "exit-code", "env"} {
		r.Scenarios = append(r.Scenarios, Scenario{Name: name, Verdict: Failed, Pods: []Pod{{Name: name + "-pod"}},
			Differences: []Difference{{Rule: "CREATE-4", Text: "create of pod " + name + "-pod was answered 201: {}"}}})
	}
	if got := r.CauseLine(); got != "3 failures, 1 cause" {
		t.Error(got)
	}
}

// When something happened, and how often, makes no other cause.
func TestCausesWithoutTimes(t *testing.T) {
	s := &Scenario{Name: "twice", Pods: []Pod{{Name: "app"}}}
	const want = "the answer to a second create of pod *"
	for _, text := range []string{
		"the answer to a second create of pod app", "at 1s, second create of pod app: the answer to a second create of pod app",
		"at 1m11.4s, restart of the virtual kubelet: the answer to a second create of pod app", "at 5s: the answer to a second create of pod app (and 12 more times)",
	} {
		if got := s.withoutNames(text); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// Which log it is, and how many lines it has, makes no other cause; what was requested does.
func TestCausesOfLogs(t *testing.T) {
	s := &Scenario{Name: "logs", Pods: []Pod{{Name: "app"}}}
	const want = `log 0 of pod * (*) is "", expected ""`
	for _, text := range []string{`log 1 of pod app (main) is "hello", "world", expected "an error"`, `log 3 of pod app (side car) is "x", expected "a", "b", "c"`, `log 4 of pod app (mute) is "x", expected empty`} {
		if got := s.withoutNames(text); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
	if got := s.withoutNames(`log 1 of pod app (main, 9 bytes) is "x", expected "y"`); got == want {
		t.Error("the options of the request make no difference")
	}
}

// A process that ends is seen in several ways.
func TestLostConnectionsAreOneCause(t *testing.T) {
	lost := func(name, how string) Scenario {
		return Scenario{Name: name, Verdict: Failed, Differences: []Difference{{Rule: "HTTP-5", Text: "the plugin did not answer POST /create: the connection was " + how}}}
	}
	r := &Report{Scenarios: []Scenario{
		lost("one", "reset"), lost("two", "closed before the answer was complete (EOF)"), lost("three", "refused"), lost("four", "closed while the request was sent"),
	}}
	if got := r.Causes(); len(got) != 1 || len(got[0].Scenarios) != 4 {
		t.Errorf("causes %+v", got)
	}
}
