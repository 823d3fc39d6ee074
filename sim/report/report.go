package report

import "time"

// Report is one replay.
type Report struct {
	// Plugin and Remote say in words what was played against.
	Plugin string `json:"plugin"`
	Remote string `json:"remote"`
	// Version of the simulator.
	Version string    `json:"version,omitempty"`
	Started time.Time `json:"started"`
	// Took is the real time, in seconds.
	Took float64 `json:"tookSeconds"`
	// Scenarios in the order of their names.
	Scenarios []Scenario `json:"scenarios"`
}

// Verdict of a scenario.
type Verdict string

// The verdicts. A scenario is skipped when it cannot be played as the replay was
// set up; it is neither passed nor failed then.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Skipped Verdict = "skipped"
)

// Scenario is what became of one.
type Scenario struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	File        string  `json:"file"`
	Verdict     Verdict `json:"verdict"`
	// Skipped says why, of one that was.
	Skipped string `json:"skipped,omitempty"`
	// Differences are sentences, in the order in which they were found; there are
	// some exactly if it failed.
	Differences []string `json:"differences,omitempty"`
	// Notes say what was not looked at, and why.
	Notes []string `json:"notes,omitempty"`
	// Took is the real time, Lasted the time that passed for the pods, both in
	// seconds.
	Took   float64 `json:"tookSeconds"`
	Lasted float64 `json:"lastedSeconds"`
	// Steps are what happened on the local side, Pods the lanes of the timeline.
	Steps []Step `json:"steps,omitempty"`
	Pods  []Pod  `json:"pods,omitempty"`
}

// Step is something that happened on the local side, as "delete of pod a".
type Step struct {
	At   float64 `json:"atSeconds"`
	Text string  `json:"text"`
}

// Pod is a pod's two sides. Each is a list of states, in order of time, each of
// which lasts until the next one; the last one until the scenario's end.
type Pod struct {
	Name string `json:"name"`
	// Local is what the local cluster showed.
	Local []State `json:"local"`
	// Remote is what the remote pod was; empty if it was not looked at.
	Remote []State `json:"remote,omitempty"`
}

// The phases of a State that Kubernetes does not have.
const (
	Gone    = "Gone"    // the remote pod does not exist any more
	Deleted = "Deleted" // the local pod was deleted
)

// State is the state of a pod from a moment on.
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
	// ExitCode of a terminated one.
	ExitCode int32 `json:"exitCode,omitempty"`
	Restarts int32 `json:"restarts,omitempty"`
}

// Count of the scenarios with a verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, s := range r.Scenarios {
		if s.Verdict == v {
			n++
		}
	}
	return n
}
