package play

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// What is recorded of one scenario is limited to what people can read.
const (
	maxTimelinePods = 100
	maxViolations   = 20
)

// recorder keeps what happened and when. It is safe for concurrent use.
type recorder struct {
	keys []string // of the recorded pods

	mu         sync.Mutex
	local      map[string][]report.State
	remote     map[string][]report.State
	steps      []report.Step
	violations []violation
	more       int // violations that were not kept
}

// violation is an event that must not happen in any scenario, and how often it did.
type violation struct {
	judge.Difference
	what  string // Text without the time
	count int
}

// newRecorder returns a recorder of the first pods of a scenario.
func newRecorder(keys []string) *recorder {
	return &recorder{
		keys: keys[:min(len(keys), maxTimelinePods)], local: map[string][]report.State{}, remote: map[string][]report.State{},
	}
}

// violation keeps an event that must not happen in any scenario. rule is the number of
// a rule of docs/contract.md, or empty.
func (r *recorder) violation(rule, format string, args ...any) {
	r.violationAt("", rule, fmt.Sprintf(format, args...))
}

// violationAt keeps a violation that may happen again, at each poll say: the first one with
// the text of when it happened, and of the others the number.
func (r *recorder) violationAt(at, rule, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.violations {
		if kept := &r.violations[i]; at != "" && kept.Rule == rule && kept.what == what {
			kept.count++
			return
		}
	}
	if len(r.violations) == maxViolations {
		r.more++
		return
	}
	r.violations = append(r.violations, violation{Difference: judge.Difference{Rule: rule, Text: at + what}, what: what, count: 1})
}

// allViolations returns the violations in their order.
func (r *recorder) allViolations() []judge.Difference {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []judge.Difference
	for _, kept := range r.violations {
		if kept.count > 1 {
			kept.Text += fmt.Sprintf(" (and %d more times)", kept.count-1)
		}
		all = append(all, kept.Difference)
	}
	if r.more > 0 {
		all = append(all, judge.Difference{Text: fmt.Sprintf("%d more violations are not listed", r.more)})
	}
	return all
}

// step keeps a step that happened at a time of the scenario.
func (r *recorder) step(at time.Duration, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, report.Step{At: at.Seconds(), Text: text})
}

// pods keeps what both clusters show at a time of the scenario, if it has changed.
// local returns a local pod, or nil.
func (r *recorder) pods(at time.Duration, local func(key string) *corev1.Pod, remote map[string]*corev1.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keys {
		if pod := local(key); pod != nil && !r.deleted(key) {
			r.local[key] = appendChange(r.local[key], stateOf(at, pod))
		}
		switch pod := remote[key]; {
		case pod != nil:
			r.remote[key] = appendChange(r.remote[key], stateOf(at, pod))
		case len(r.remote[key]) > 0:
			r.remote[key] = appendChange(r.remote[key], report.State{At: at.Seconds(), Phase: report.Gone})
		}
	}
}

func (r *recorder) deleted(key string) bool {
	states := r.local[key]
	return len(states) > 0 && states[len(states)-1].Phase == report.Deleted
}

// localDelete keeps that a pod was deleted from the local cluster.
func (r *recorder) localDelete(at time.Duration, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.keys, key) {
		r.local[key] = appendChange(r.local[key], report.State{At: at.Seconds(), Phase: report.Deleted})
	}
}

// localCreate keeps that a deleted pod was created again in the local cluster.
func (r *recorder) localCreate(at time.Duration, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.keys, key) {
		r.local[key] = appendChange(r.local[key], report.State{At: at.Seconds(), Phase: string(corev1.PodPending)})
	}
}

// timeline returns the recorded pods and steps.
func (r *recorder) timeline() (pods []report.Pod, steps []report.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keys {
		pods = append(pods, report.Pod{Name: key, Local: r.local[key], Remote: r.remote[key]})
	}
	return pods, r.steps
}

// appendChange appends a state if it differs from the last one in more than time.
func appendChange(states []report.State, next report.State) []report.State {
	if n := len(states); n > 0 {
		last := states[n-1]
		last.At = next.At
		if reflect.DeepEqual(last, next) {
			return states
		}
	}
	return append(states, next)
}

// stateOf returns the state of a pod for the timeline.
func stateOf(at time.Duration, pod *corev1.Pod) report.State {
	s := report.State{At: at.Seconds(), Phase: string(pod.Status.Phase)}
	if pod.Status.Reason != s.Phase { // InterLink sets the reason Running in the phase Running
		s.Reason = pod.Status.Reason
	}
	for i, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, c := range list {
			container := report.Container{Name: c.Name, Init: i == 0, State: "waiting", Restarts: c.RestartCount}
			switch {
			case c.State.Terminated != nil:
				container.State, container.Reason, container.ExitCode = "terminated", c.State.Terminated.Reason, c.State.Terminated.ExitCode
			case c.State.Running != nil:
				container.State = "running"
			case c.State.Waiting != nil:
				container.Reason = c.State.Waiting.Reason
			}
			s.Containers = append(s.Containers, container)
		}
	}
	return s
}
