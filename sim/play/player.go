package play

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

const (
	// pollPause is the pause between two rounds of the virtual kubelet's status loop
	// (docs/contract.md, STATUS-1).
	pollPause = 5 * time.Second
	// maxParallelCalls limits the creates, and the deletes, that are sent at the same
	// time (docs/contract.md, CREATE-1, sets no limit).
	maxParallelCalls = 10
)

// errNoAnswer ends a scenario whose plugin does not answer.
var errNoAnswer = errors.New("the plugin did not answer a call")

// player plays one scenario in its environment.
type player struct {
	env  *environment
	seen *judge.Observation
	// steps are those that have not happened yet, in the order of their times.
	steps []timedStep
	// stepsFrom is the moment from which the times of steps and until count.
	stepsFrom time.Time
	nextPoll  time.Time
	deleted   map[string]bool // pods that a step deletes
	running   runningPods
	logs      []*pendingLog
}

func newPlayer(env *environment) *player {
	return &player{env: env, seen: judge.NewObservation(env.file), steps: timedSteps(env), deleted: map[string]bool{}}
}

// poll goes once through the virtual kubelet's status loop.
func (p *player) poll(ctx context.Context) {
	err := p.env.kubelet.Poll(ctx)
	for _, err := range split(err) {
		if ctx.Err() == nil {
			p.env.recorder.violation(statusRule(err), "at %s: %v", round(p.env.elapsed()), err)
		}
	}
	if p.env.nodes == nil { // simulated nodes do not forget previous runs
		for key, seen := range p.seen.Pods {
			seen.RememberPreviousRuns(p.env.kubelet.Status(key))
		}
	}
	p.env.observe(ctx)
	p.observeRunning(ctx)
	p.nextPoll = p.env.clock.Now().Add(pollPause)
}

// split returns the errors that errors.Join has joined.
func split(err error) []error {
	switch joined, ok := err.(interface{ Unwrap() []error }); {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	default:
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, split(one)...)
		}
		return all
	}
}

// statusRule is the rule of docs/contract.md that an error of a status call names.
func statusRule(err error) string {
	var panicked *virtualkubelet.Panic
	var stale *virtualkubelet.StaleStatus
	switch {
	case errors.As(err, &panicked):
		return panicked.Rule
	case errors.As(err, &stale):
		return stale.Rule
	}
	return ""
}

// ended reports whether a pod has ended, or a step has deleted it.
func (p *player) ended(key string) bool {
	phase := p.env.kubelet.Status(key).Phase
	return p.deleted[key] || phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
