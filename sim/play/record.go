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

// Of what a scenario shows, so much is kept: enough to read, whatever its size.
const (
	maxLanes    = 100
	maxTroubles = 20
)

// recorder keeps what happened, in time.
type recorder struct {
	stage *stage
	keys  []string // of the pods that are recorded

	mu       sync.Mutex
	local    map[string][]report.State
	remote   map[string][]report.State
	steps    []report.Step
	troubles []judge.Difference
	more     int // troubles that were not kept
}

func newRecorder(s *stage) *recorder {
	r := &recorder{stage: s, local: map[string][]report.State{}, remote: map[string][]report.State{}}
	for _, pod := range s.pods[:min(len(s.pods), maxLanes)] {
		r.keys = append(r.keys, s.keys[pod.UID])
	}
	return r
}

// trouble is something that must not happen in any scenario.
func (r *recorder) trouble(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.troubles) == maxTroubles {
		r.more++
		return
	}
	r.troubles = append(r.troubles, judge.Difference{Text: fmt.Sprintf(format, args...)})
}

// all troubles, in order.
func (r *recorder) all() []judge.Difference {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.more > 0 {
		return append(slices.Clone(r.troubles), judge.Difference{Text: fmt.Sprintf("and %d more of this kind", r.more)})
	}
	return r.troubles
}

func (r *recorder) step(at time.Duration, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, report.Step{At: at.Seconds(), Text: fmt.Sprintf(format, args...)})
}

// look keeps what both sides show now, where it differs from before.
func (r *recorder) look(pods []corev1.Pod) {
	if r.stage.kubelet == nil || r.stage.begin.IsZero() {
		return // not yet begun
	}
	at := r.stage.after().Seconds()
	there := map[string]*corev1.Pod{}
	for i := range pods {
		if key, ours := r.stage.key(&pods[i]); ours {
			there[key] = &pods[i]
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keys {
		if local := r.stage.kubelet.Pod(key); local != nil && !r.gone(key) {
			r.local[key] = add(r.local[key], state(at, local))
		}
		switch pod := there[key]; {
		case pod != nil:
			r.remote[key] = add(r.remote[key], state(at, pod))
		case len(r.remote[key]) > 0:
			r.remote[key] = add(r.remote[key], report.State{At: at, Phase: "Gone"})
		}
	}
}

const deleted = "Deleted"

func (r *recorder) gone(key string) bool {
	states := r.local[key]
	return len(states) > 0 && states[len(states)-1].Phase == deleted
}

// delete says that a pod was deleted from the local cluster.
func (r *recorder) delete(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.keys, key) {
		r.local[key] = add(r.local[key], report.State{At: r.stage.after().Seconds(), Phase: deleted})
	}
}

func add(states []report.State, next report.State) []report.State {
	if n := len(states); n > 0 {
		last := states[n-1]
		last.At = next.At
		if reflect.DeepEqual(last, next) {
			return states
		}
	}
	return append(states, next)
}

// state is a pod's for a timeline.
func state(at float64, pod *corev1.Pod) report.State {
	s := report.State{At: at, Phase: string(pod.Status.Phase)}
	if pod.Status.Reason != s.Phase { // InterLink says Running twice
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

// lanes are the pods of the timeline.
func (r *recorder) lanes() (pods []report.Pod, steps []report.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keys {
		pods = append(pods, report.Pod{Name: key, Local: r.local[key], Remote: r.remote[key]})
	}
	return pods, r.steps
}
