package node

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// stopDuration is the time that a container takes to end when it is stopped.
const stopDuration = time.Second

// The exit codes of containers that a kubelet stops with SIGTERM and with SIGKILL.
const (
	exitCodeSIGTERM int32 = 143
	exitCodeSIGKILL int32 = 137
)

// podState is the state machine of one pod. It has no clock and no client: each
// method gets the time, and advance returns the writes that the API server needs.
type podState struct {
	object   *corev1.Pod
	behavior scenario.Pod
	events   []scenario.Event // those that are still to come, in the order of their times
	inits    []*container
	mains    []*container

	// take reads the ConfigMaps and Secrets that containers need; nil if all exist.
	take         func(inspect.Sources) (*inspect.Snapshot, error)
	reportAbsent func(pod *corev1.Pod, container string, absent inspect.Sources, waits bool)
	mounted      bool      // the volumes are mounted
	mountAgainAt time.Time // when the kubelet tries to mount them again
	mountPause   time.Duration

	firstSeen  time.Time // the time 0 of the scenario's events
	scheduleAt time.Time // zero if the pod is bound or never will be
	bound      bool
	startTime  *metav1.Time

	stopAt       time.Time // when the containers that are being stopped have ended
	stopExitCode int32
	terminating  bool // the pod is being deleted

	nodeLostAt   time.Time
	unreachable  bool // the control plane has noticed that the node is lost
	forceDeleted bool

	finalPhase corev1.PodPhase // set if the pod failed as a whole
	reason     string
	message    string
	conditions []corev1.PodCondition
}

// sideEffects are the writes that follow from transitions, in addition to the status.
type sideEffects struct {
	bind        bool
	delete      bool // with the pod's own grace period, as a user deletes it
	forceDelete bool // with grace period 0, as a kubelet completes a deletion
	runs        []containerRun
}

// containerRun is a run of a container that has started.
type containerRun struct {
	container string
	startedAt time.Time
	output    []string
}

func newPodState(object *corev1.Pod, behavior scenario.Pod, now time.Time) *podState {
	p := &podState{
		object: object, behavior: behavior, firstSeen: now, bound: object.Spec.NodeName != "", events: slices.Clone(behavior.Events),
	}
	slices.SortStableFunc(p.events, func(a, b scenario.Event) int { return cmp.Compare(a.At.Duration, b.At.Duration) })
	for _, spec := range object.Spec.InitContainers {
		p.inits = append(p.inits, newContainer(object, spec, true, behavior.Containers[spec.Name]))
	}
	for _, spec := range object.Spec.Containers {
		p.mains = append(p.mains, newContainer(object, spec, false, behavior.Containers[spec.Name]))
	}
	if p.bound {
		p.start(now)
	} else {
		p.queue(now)
	}
	return p
}

// queue is what the scheduler does with a pod that has no node and no scheduling gate
// (any more).
func (p *podState) queue(now time.Time) {
	if !p.gated() && (p.behavior.Unschedulable == "" || p.behavior.Schedule.Duration > 0) {
		p.scheduleAt = now.Add(p.behavior.Schedule.Duration)
	}
}

// gated reports whether a scheduling gate keeps the pod from the scheduler:
// https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/
func (p *podState) gated() bool { return len(p.object.Spec.SchedulingGates) > 0 }

func (p *podState) containers() []*container { return slices.Concat(p.inits, p.mains) }

// stopped reports whether no container starts or restarts again, because the pod
// failed as a whole or is being deleted.
func (p *podState) stopped() bool { return p.finalPhase != "" || p.terminating }

// start is what happens once the pod has a node.
func (p *podState) start(now time.Time) {
	p.bound, p.scheduleAt, p.startTime = true, time.Time{}, ptr.To(metav1.NewTime(now))
	p.startContainers(now)
}

// startContainers creates the containers whose turn it is: the init containers one
// after the other, then all others at once. When these have ended, it stops the
// sidecars.
func (p *podState) startContainers(now time.Time) {
	if p.stopped() || !p.bound {
		return
	}
	for _, c := range p.inits {
		switch {
		case c.state == notStarted:
			c.create(now)
			return
		case c.hasStarted(), c.state == terminated && c.final.ExitCode == 0:
		case c.state == terminated: // it failed for good, and the pod with it
			for _, other := range p.inits {
				other.stop(now, exitCodeSIGTERM)
			}
			return
		default:
			return
		}
	}
	allEnded := true
	for _, c := range p.mains {
		if c.state == notStarted {
			c.create(now)
		}
		allEnded = allEnded && c.state == terminated
	}
	for _, c := range p.inits {
		if allEnded && c.state != terminated && p.stopAt.IsZero() {
			p.stopAt, p.stopExitCode = now.Add(stopDuration), exitCodeSIGTERM
		}
	}
}

// terminate stops the containers of a pod that is being deleted. A later call can
// shorten the grace period.
func (p *podState) terminate(now time.Time, grace time.Duration) {
	end := now.Add(min(stopDuration, grace))
	switch {
	case !p.terminating:
		p.terminating, p.stopAt, p.stopExitCode = true, end, exitCodeSIGTERM
	case !p.stopAt.IsZero() && end.Before(p.stopAt):
		p.stopAt = end
	}
	if grace <= stopDuration {
		p.stopExitCode = exitCodeSIGKILL
	}
}

// fail ends the pod as a whole, with all its containers.
func (p *podState) fail(now time.Time, reason, message string) {
	p.finalPhase, p.reason, p.message = corev1.PodFailed, reason, message
	p.scheduleAt, p.stopAt = time.Time{}, time.Time{}
	for _, c := range p.containers() {
		c.stop(now, exitCodeSIGKILL)
	}
}

// advance performs every transition that is due, in the order of their times. It
// returns the resulting status, the side effects, and the time of the next transition,
// which is zero if there is none.
func (p *podState) advance(now time.Time) (corev1.PodStatus, sideEffects, time.Time) {
	var effects sideEffects
	for due := p.nextTransition(); !due.IsZero() && !due.After(now); due = p.nextTransition() {
		p.transition(due, &effects)
	}
	return p.status(now), effects, p.nextTransition()
}

// nextTransition returns the time of the next transition, zero if there is none.
func (p *podState) nextTransition() time.Time {
	var first time.Time
	consider := func(due time.Time) {
		if !due.IsZero() && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	consider(p.nextEvent())
	if !p.nodeLostAt.IsZero() { // no kubelet acts any more
		consider(p.nextNodeLossTransition())
		return first
	}
	consider(p.stopAt)
	consider(p.scheduleAt)
	consider(p.deadline())
	if !p.stopped() {
		for _, c := range p.containers() {
			consider(c.due)
		}
	}
	return first
}

// transition performs one transition that is due at the time now.
func (p *podState) transition(now time.Time, effects *sideEffects) {
	isDue := func(due time.Time) bool { return !due.IsZero() && !due.After(now) }
	switch {
	case isDue(p.nextEvent()):
		event := p.events[0]
		p.events = p.events[1:]
		p.applyEvent(event, now, effects)
		return
	case !p.nodeLostAt.IsZero():
		p.nodeLossTransition(effects)
		return
	case isDue(p.deadline()):
		p.fail(now, "DeadlineExceeded", deadlineMessage)
		return
	case isDue(p.scheduleAt):
		effects.bind = true
		p.start(now)
	case isDue(p.stopAt):
		p.stopAt = time.Time{}
		for _, c := range p.containers() {
			c.stop(now, p.stopExitCode)
		}
		effects.forceDelete = p.terminating
	default:
		for _, c := range p.containers() {
			if isDue(c.due) {
				if c.isStarting() && p.mustWait(c, now) {
					break
				}
				if started := c.transition(); started {
					effects.runs = append(effects.runs, containerRun{c.spec.Name, c.startedAt, c.currentOutput()})
				}
				break
			}
		}
	}
	p.startContainers(now)
}
