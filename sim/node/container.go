package node

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// containerState is the state of a container. The times are those of container.due.
type containerState int

const (
	notStarted containerState = iota // an earlier container must start or end first
	creating                         // runs when due
	pullFailed                       // ErrImagePull; blocked by ImagePullBackOff when due
	blocked                          // waits for the container's reason; tried again when due, or never
	running                          // ends when due; zero means that it runs until it is stopped
	restarting                       // ended; runs again when due, without a back-off
	backingOff                       // CrashLoopBackOff; runs again when due
	terminated                       // ended for good
)

// container is the state machine of one container.
type container struct {
	pod       *corev1.Pod
	spec      corev1.Container
	isInit    bool
	isSidecar bool // an init container that is always restarted
	behavior  scenario.Container

	state         containerState
	due           time.Time // the next transition, zero if there is none
	runs          int
	startedAt     time.Time // of the current run
	backOff       time.Duration
	waitReason    string // of pullFailed and blocked
	waitMessage   string
	stopRequested bool // by an annotation: the current or next run ends with exit code 0

	last *corev1.ContainerStateTerminated // the run that ended last
	// beforeLast is the run before that: while a container is restarting, the status
	// shows last as its state and beforeLast as its last termination state.
	beforeLast *corev1.ContainerStateTerminated
	final      *corev1.ContainerStateTerminated // the last run of all
}

func newContainer(pod *corev1.Pod, spec corev1.Container, isInit bool, behavior scenario.Container) *container {
	return &container{pod: pod, spec: spec, isInit: isInit, isSidecar: isInit && podspec.IsSidecar(&spec), behavior: behavior}
}

func (c *container) create(now time.Time) {
	delay := time.Second
	if c.behavior.Start != nil {
		delay = c.behavior.Start.Duration
	}
	c.state, c.due = creating, now.Add(delay)
}

// hasStarted reports whether c is a sidecar that has started, so that the containers
// after it can start.
func (c *container) hasStarted() bool {
	return c.isSidecar && c.runs > 0 && !c.behavior.StartupFails
}

// transition performs the transition that is due, and reports whether a run started.
func (c *container) transition() (started bool) {
	now := c.due
	switch c.state {
	case creating, restarting, backingOff, blocked:
		switch {
		case c.behavior.ImagePullError != "":
			c.state, c.due, c.waitReason, c.waitMessage = pullFailed, now.Add(backOffFirst), "ErrImagePull", c.behavior.ImagePullError
		case c.behavior.CreateError != "":
			c.block(time.Time{}, c.behavior.CreateError)
		default:
			c.startRun(now)
			return true
		}
	case pullFailed:
		c.state, c.due, c.waitReason = blocked, time.Time{}, "ImagePullBackOff"
		c.waitMessage = `Back-off pulling image "` + c.spec.Image + `": ErrImagePull: ` + c.behavior.ImagePullError
	case running:
		c.endRun(now)
	}
	return false
}

// isStarting reports whether the transition that is due starts a run, unless something
// prevents it.
func (c *container) isStarting() bool {
	return c.state == creating || c.state == restarting || c.state == backingOff || c.state == blocked
}

// block makes the container wait because it cannot be created. It is tried again at a
// time, never if that is zero.
func (c *container) block(retry time.Time, message string) {
	c.state, c.due, c.waitReason, c.waitMessage = blocked, retry, "CreateContainerConfigError", message
}

func (c *container) startRun(now time.Time) {
	c.state, c.due, c.startedAt = running, time.Time{}, now
	c.runs++
	length := time.Second
	if c.isSidecar {
		length = 0
	}
	if c.behavior.Run != nil {
		length = c.behavior.Run.Duration
	}
	if length > 0 {
		c.due = now.Add(length)
	}
	if c.stopRequested {
		c.due = now.Add(stopDuration)
	}
}

// requestStop makes the container end with exit code 0, now or in its next run.
func (c *container) requestStop(now time.Time) {
	c.stopRequested = true
	if c.state == running {
		c.due = now.Add(stopDuration)
	}
}

// currentOutput returns what the current run writes to its log.
func (c *container) currentOutput() []string {
	if outputs := c.behavior.Outputs; len(outputs) > 0 {
		return outputs[min(c.runs, len(outputs))-1]
	}
	return c.behavior.Output
}

// stop ends a container that runs or is going to run again. A container that has
// never run keeps its state.
func (c *container) stop(now time.Time, exitCode int32) {
	switch c.state {
	case running:
		c.terminate(c.termination(now, exitCode))
	case restarting, backingOff:
		c.terminate(c.last)
		c.last = c.beforeLast
	case blocked:
		if c.due = (time.Time{}); c.last != nil {
			c.terminate(c.last)
			c.last = c.beforeLast
		}
	default:
		c.due = time.Time{}
	}
}

// terminate ends the container for good.
func (c *container) terminate(final *corev1.ContainerStateTerminated) {
	c.state, c.due, c.final = terminated, time.Time{}, final
}
