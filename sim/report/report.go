package report

import "time"

// SchemaVersion is the version of the JSON that docs/report.schema.json describes. A new
// field does not change it; a field that goes, or means something else, does.
const SchemaVersion = 1

// Report is the result of one replay.
type Report struct {
	// Plugin and Remote describe what the scenarios were played against.
	Plugin string `json:"plugin"`
	Remote string `json:"remote"`
	// Profile is the name of the profile by which the plugin was treated.
	Profile string `json:"profile,omitempty"`
	// Levels are the levels that were chosen; empty means all.
	Levels []string `json:"levels,omitempty"`
	// Strict says that a scenario that is not judged fails the run.
	Strict bool `json:"strict,omitempty"`
	// Interrupted says why the replay ended early; empty if it did not.
	Interrupted string `json:"interrupted,omitempty"`
	// PluginGone says why the rest was not played: the plugin did not answer any more. It
	// fails the run, whatever failures are expected; empty if the plugin answered until the end.
	PluginGone string `json:"pluginGone,omitempty"`
	// Version of the simulator.
	Version string    `json:"version,omitempty"`
	Started time.Time `json:"started"`
	// Took is the real time, in seconds.
	Took float64 `json:"tookSeconds"`
	// Scenarios in the order of their names.
	Scenarios []Scenario `json:"scenarios"`
}

// Verdict is the result of a scenario in one word.
type Verdict string

// The verdicts. A scenario is not judged if it was played and nothing contradicts it,
// but something that must be observed for a verdict was not. It is skipped if it
// cannot be played with the options of the replay.
const (
	Passed    Verdict = "passed"
	Failed    Verdict = "failed"
	NotJudged Verdict = "not judged"
	Skipped   Verdict = "skipped"
)

// Difference is one thing that is not as a scenario expects it.
type Difference struct {
	// Rule is the number of the rule of docs/contract.md that the plugin breaks, such as
	// CREATE-4; empty if there is none.
	Rule string `json:"rule,omitempty"`
	// Text is one sentence: what was observed, and what was expected.
	Text string `json:"text"`
	// Consequence is what InterLink does with such an answer, and Right what the plugin
	// should do; both follow from the rule.
	Consequence string `json:"consequence,omitempty"`
	Right       string `json:"right,omitempty"`
	// FollowOns are further differences that this one explains.
	FollowOns []string `json:"followOns,omitempty"`
}

// String returns the text, after the number of the rule.
func (d Difference) String() string {
	if d.Rule == "" {
		return d.Text
	}
	return d.Rule + ": " + d.Text
}

// Scenario is the result of one scenario.
type Scenario struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	File        string  `json:"file"`
	Verdict     Verdict `json:"verdict"`
	// Level is the scenario's level: core, optional:restarts, kubernetes or this-plugin.
	Level string `json:"level,omitempty"`
	// ExpectedFailure says that the user expects the scenario to fail: its failure does not
	// fail the run, but it does if it passes.
	ExpectedFailure bool `json:"expectedFailure,omitempty"`
	// Skipped is why the scenario was skipped; empty if it was not.
	Skipped string `json:"skipped,omitempty"`
	// NotJudged says what was not observed, and why; empty if the verdict is another one.
	NotJudged []string `json:"notJudged,omitempty"`
	// Differences that explain others come first. A failed scenario has at least one, any
	// other scenario none.
	Differences []Difference `json:"differences,omitempty"`
	// Notes say what was not observed, and why.
	Notes []string `json:"notes,omitempty"`
	// Took is the real time, Lasted the time on the scenario's own clock, both in
	// seconds.
	Took   float64 `json:"tookSeconds"`
	Lasted float64 `json:"lastedSeconds"`
	// Steps are what happened in the local cluster, Pods what both clusters showed.
	Steps []Step `json:"steps,omitempty"`
	Pods  []Pod  `json:"pods,omitempty"`
}

// Step is something that happened in the local cluster, such as "delete of pod a".
type Step struct {
	At   float64 `json:"atSeconds"`
	Text string  `json:"text"`
}

// Pod is what both clusters showed of one pod. The states are in order of time; each
// lasts until the next one, the last one until the end of the scenario.
type Pod struct {
	Name string `json:"name"`
	// Local is what the local cluster showed.
	Local []State `json:"local"`
	// Remote is what the remote cluster showed; empty if it was not observed.
	Remote []State `json:"remote,omitempty"`
}

// The phases of a State that Kubernetes does not have.
const (
	Gone    = "Gone"    // the remote pod does not exist any more
	Deleted = "Deleted" // the local pod was deleted
)

// State is the state of a pod from a time on.
type State struct {
	At float64 `json:"atSeconds"`
	// Phase is a phase of Kubernetes, Gone or Deleted.
	Phase string `json:"phase"`
	// Reason of the phase, if there is one.
	Reason string `json:"reason,omitempty"`
	// Containers in the pod's order, init containers first.
	Containers []Container `json:"containers,omitempty"`
}

// Container is the state of a container.
type Container struct {
	Name string `json:"name"`
	Init bool   `json:"init,omitempty"`
	// State is waiting, running or terminated.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// ExitCode of a terminated container.
	ExitCode int32 `json:"exitCode,omitempty"`
	Restarts int32 `json:"restarts,omitempty"`
}

// reason returns the most important reason why a scenario did not pass; "" if it
// passed.
func (s *Scenario) reason() string {
	switch {
	case s.passedUnexpectedly():
		return "it is listed as an expected failure"
	case s.Verdict == Skipped:
		return s.Skipped
	case s.Verdict == Failed && len(s.Differences) > 0:
		return s.Differences[0].String()
	case s.Verdict == NotJudged && len(s.NotJudged) > 0:
		return s.NotJudged[0]
	}
	return ""
}

// Texts returns the differences as text, each after the number of its rule.
func (s *Scenario) Texts() []string {
	texts := make([]string, len(s.Differences))
	for i, difference := range s.Differences {
		texts[i] = difference.String()
	}
	return texts
}
