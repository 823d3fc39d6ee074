package node

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// What the control plane does about a lost node, and when.
const (
	lostAfter    = 40 * time.Second
	failedAfter  = 5 * time.Minute
	collectAfter = 6 * time.Minute
)

// stopTime is how long a container takes to end when it is asked to.
const stopTime = time.Second

// deadlinePassed are the kubelet's words.
const deadlinePassed = "Pod was active on the node longer than the specified deadline"

// wish is what a play asks its loop to do beside writing the status.
type wish struct {
	bind   bool
	delete bool // as anybody would
	remove bool // with grace 0, as the kubelet does at the end
	runs   []run
}

// run is a container's run that has begun.
type run struct {
	container string
	at        time.Time
	output    []string
}

// play is one pod's life: a state machine that knows no clock and no client.
type play struct {
	pod       *corev1.Pod
	behaviour scenario.Pod
	events    []scenario.Event
	inits     []*container
	mains     []*container

	born        time.Time
	scheduleAt  time.Time // zero: never, or it is done
	bound       bool
	stopAt      time.Time // when what is being stopped has stopped
	stopCode    int32
	going       bool // deletion has begun
	lost        time.Time
	collected   bool
	phase       corev1.PodPhase // of a pod that failed as a whole
	reason      string
	message     string
	startTime   *metav1.Time
	conditions  []corev1.PodCondition
	unreachable bool
}

func newPlay(pod *corev1.Pod, behaviour scenario.Pod, now time.Time) *play {
	p := &play{pod: pod, behaviour: behaviour, born: now, bound: pod.Spec.NodeName != "", events: slices.Clone(behaviour.Events)}
	slices.SortStableFunc(p.events, func(a, b scenario.Event) int { return cmp.Compare(a.At.Duration, b.At.Duration) })
	for _, spec := range pod.Spec.InitContainers {
		p.inits = append(p.inits, newContainer(pod, spec, true, behaviour.Containers[spec.Name]))
	}
	for _, spec := range pod.Spec.Containers {
		p.mains = append(p.mains, newContainer(pod, spec, false, behaviour.Containers[spec.Name]))
	}
	switch {
	case p.bound:
		p.begin(now)
	case behaviour.Unschedulable == "" || behaviour.Schedule.Duration > 0:
		p.scheduleAt = now.Add(behaviour.Schedule.Duration)
	}
	return p
}

func (p *play) all() []*container { return slices.Concat(p.inits, p.mains) }

// over says that no container will do anything again.
func (p *play) over() bool { return p.phase != "" || p.going }

func (p *play) begin(now time.Time) {
	p.bound, p.scheduleAt, p.startTime = true, time.Time{}, ptr.To(metav1.NewTime(now))
	p.proceed(now)
}

// proceed gives the turn to the containers whose turn it is.
func (p *play) proceed(now time.Time) {
	if p.over() || !p.bound {
		return
	}
	for _, c := range p.inits {
		switch {
		case c.step == idle:
			c.start(now)
			return
		case c.up(), c.step == done && c.finished.ExitCode == 0:
		case c.step == done: // failed for good, and the pod with it
			for _, other := range p.inits {
				other.stop(now, 143)
			}
			return
		default:
			return
		}
	}
	ended := true
	for _, c := range p.mains {
		if c.step == idle {
			c.start(now)
		}
		ended = ended && c.step == done
	}
	for _, c := range p.inits {
		if ended && c.step != done && p.stopAt.IsZero() {
			p.stopAt, p.stopCode = now.Add(stopTime), 143 // sidecars go last
		}
	}
}

// delete begins a deletion that the API server has marked.
func (p *play) delete(now time.Time, grace time.Duration) {
	end := now.Add(min(stopTime, grace))
	switch {
	case !p.going:
		p.going, p.stopAt, p.stopCode = true, end, 143
	case !p.stopAt.IsZero() && end.Before(p.stopAt):
		p.stopAt = end
	}
	if grace <= stopTime {
		p.stopCode = 137
	}
}

// wake is when the next transition is due; zero if none is.
func (p *play) wake() time.Time {
	var first time.Time
	consider := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if len(p.events) > 0 {
		consider(p.born.Add(p.events[0].At.Duration))
	}
	if !p.lost.IsZero() {
		switch {
		case p.phase != "":
			if !p.collected {
				consider(p.lost.Add(collectAfter))
			}
		case p.unreachable:
			consider(p.lost.Add(failedAfter))
		default:
			consider(p.lost.Add(lostAfter))
		}
		return first
	}
	consider(p.stopAt)
	consider(p.scheduleAt)
	consider(p.deadline())
	if !p.over() {
		for _, c := range p.all() {
			consider(c.at)
		}
	}
	return first
}

// next takes every transition that is due, in order of time, and says what the
// pod's status is then and when it must be asked again.
func (p *play) next(now time.Time) (corev1.PodStatus, wish, time.Time) {
	var w wish
	for at := p.wake(); !at.IsZero() && !at.After(now); at = p.wake() {
		p.take(at, &w)
	}
	return p.status(now), w, p.wake()
}

func (p *play) take(at time.Time, w *wish) {
	if len(p.events) > 0 && !p.born.Add(p.events[0].At.Duration).After(at) {
		e := p.events[0]
		p.events = p.events[1:]
		p.strike(e, at, w)
		return
	}
	if due := p.deadline(); p.lost.IsZero() && !due.IsZero() && !due.After(at) {
		p.fail(at, "DeadlineExceeded", deadlinePassed)
		return
	}
	switch {
	case !p.lost.IsZero():
		switch {
		case !p.unreachable:
			p.unreachable, p.reason = true, "NodeLost"
			p.message = "Node " + p.pod.Spec.NodeName + " which was running pod " + p.pod.Name + " is unresponsive"
		case p.phase == "":
			p.phase = corev1.PodFailed
		default:
			p.collected, w.remove = true, true
		}
		return
	case !p.scheduleAt.IsZero() && !p.scheduleAt.After(at):
		w.bind = true
		p.begin(at)
	case !p.stopAt.IsZero() && !p.stopAt.After(at):
		p.stopAt = time.Time{}
		for _, c := range p.all() {
			c.stop(at, p.stopCode)
		}
		w.remove = p.going
	default:
		for _, c := range p.all() {
			if !c.at.IsZero() && !c.at.After(at) {
				if c.due() {
					w.runs = append(w.runs, run{c.spec.Name, c.begun, c.output()})
				}
				break
			}
		}
	}
	p.proceed(at)
}

func (p *play) strike(e scenario.Event, at time.Time, w *wish) {
	switch {
	case e.Delete:
		w.delete = true
	case p.over() || p.ended():
	case e.LoseNode:
		p.lost = at
	case e.Evict != "":
		p.fail(at, "Evicted", e.Evict)
	case e.Deadline && p.pod.Spec.ActiveDeadlineSeconds != nil:
		p.fail(at, "DeadlineExceeded", deadlinePassed)
	}
}

func (p *play) fail(at time.Time, reason, message string) {
	p.phase, p.reason, p.message = corev1.PodFailed, reason, message
	p.scheduleAt, p.stopAt = time.Time{}, time.Time{}
	for _, c := range p.all() {
		c.stop(at, 137)
	}
}
