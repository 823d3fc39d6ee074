package play

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
)

const (
	// pollPause is the pause between two rounds of the virtual kubelet's status loop
	// (docs/contract.md, STATUS-1).
	pollPause = 5 * time.Second
	// maxParallelCalls limits the creates, and the deletes, that are sent at the same
	// time (docs/contract.md, CREATE-1, sets no limit).
	maxParallelCalls = 10
)

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
	// recreated are the pods that a step has created again.
	recreated map[string]bool
	// ending is true once the pods are deleted because the scenario is over.
	ending bool
	logs   []*pendingLog
	// unplayable is why the scenario cannot be played to its end; nil if it can.
	unplayable *notPlayable
	otherJobs  []string                             // lines of the jobs that existed before the scenario
	untold     []string                             // notes on variables that no container could tell
	begun      begun                                // what the containers' logs have shown
	stale      map[string]map[string]*staleStatuses // by pod and rule
}

// pendingLog is one request for a log; done is closed when log is complete.
type pendingLog struct {
	pod   *judge.Pod
	index int // in the pod's logs
	log   judge.Log
	done  chan struct{}
}

func newPlayer(env *environment) *player {
	seen := judge.NewObservation(env.file)
	seen.Probed = env.options.probes()
	return &player{env: env, seen: seen, steps: timedSteps(env), deleted: map[string]bool{}, recreated: map[string]bool{}, stale: map[string]map[string]*staleStatuses{}}
}

// ended reports whether a pod has ended, or a step has deleted it.
func (p *player) ended(key string) bool {
	phase := p.env.kubelet.Status(key).Phase
	return p.deleted[key] || phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
