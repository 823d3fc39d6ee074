package node

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// step is where a container is on its way.
type step int

const (
	idle     step = iota // not its turn yet
	starting             // being created until at
	pulling              // the image could not be pulled; it backs off at at
	stuck                // waits for good, for a reason
	running              // until at; for ever if that is zero
	ended                // is run again at at, without a wait
	crashed              // waits until at for its next run
	done                 // terminated for good
)

// The kubelet's crash back-off. The first run after an end is begun as soon as the
// kubelet has noticed, as a real one showed; only those after it wait.
const (
	noticed      = time.Second
	backOffFirst = 10 * time.Second
	backOffCap   = 5 * time.Minute
	backOffReset = 10 * time.Minute
)

type container struct {
	spec      corev1.Container
	init      bool
	native    bool // a sidecar: an init container that is always restarted
	behaviour scenario.Container
	pod       *corev1.Pod

	step     step
	at       time.Time
	runs     int
	backOff  time.Duration
	begun    time.Time
	reason   string // of stuck
	message  string
	last     *corev1.ContainerStateTerminated
	before   *corev1.ContainerStateTerminated // the one before last, which an ended container shows as its last
	finished *corev1.ContainerStateTerminated
	asked    bool // by an annotation, to end well
}

func newContainer(pod *corev1.Pod, spec corev1.Container, init bool, behaviour scenario.Container) *container {
	c := &container{spec: spec, init: init, behaviour: behaviour, pod: pod}
	c.native = init && podspec.IsSidecar(&spec)
	return c
}

func (c *container) start(now time.Time) {
	delay := time.Second
	if c.behaviour.Start != nil {
		delay = c.behaviour.Start.Duration
	}
	c.step, c.at = starting, now.Add(delay)
}

// up says that it is a native sidecar that has started once: others may.
func (c *container) up() bool { return c.native && c.runs > 0 && !c.behaviour.StartupFails }

// due takes the transition whose time has come, and says whether a run began.
func (c *container) due() (began bool) {
	now := c.at
	switch c.step {
	case starting, ended, crashed:
		switch {
		case c.behaviour.ImagePullError != "":
			c.step, c.at, c.reason, c.message = pulling, now.Add(backOffFirst), "ErrImagePull", c.behaviour.ImagePullError
		case c.behaviour.CreateError != "":
			c.step, c.at, c.reason, c.message = stuck, time.Time{}, "CreateContainerConfigError", c.behaviour.CreateError
		default:
			c.run(now)
			return true
		}
	case pulling:
		c.step, c.at, c.reason = stuck, time.Time{}, "ImagePullBackOff"
		c.message = `Back-off pulling image "` + c.spec.Image + `": ErrImagePull: ` + c.behaviour.ImagePullError
	case running:
		code := int32(0)
		if codes := c.behaviour.ExitCodes; len(codes) > 0 {
			code = codes[min(c.runs, len(codes))-1]
		}
		if c.asked {
			code = 0
		}
		end := c.end(now, code)
		end.Signal, end.Message = c.behaviour.Signal, c.behaviour.Message
		if c.behaviour.Reason != "" {
			end.Reason = c.behaviour.Reason
		}
		if !podspec.Restarts(c.pod, c.spec.Name, code) {
			c.finish(end)
			break
		}
		c.before, c.last = c.last, end
		switch {
		case c.runs == 1 || now.Sub(c.begun) >= backOffReset:
			c.step, c.at, c.backOff = ended, now.Add(noticed), 0
		case c.backOff == 0:
			c.step, c.at, c.backOff = crashed, now.Add(backOffFirst), backOffFirst
		default:
			c.backOff = min(2*c.backOff, backOffCap)
			c.step, c.at = crashed, now.Add(c.backOff)
		}
	}
	return false
}

func (c *container) run(now time.Time) {
	c.step, c.at, c.begun = running, time.Time{}, now
	c.runs++
	length := time.Second
	if c.native {
		length = 0
	}
	if c.behaviour.Run != nil {
		length = c.behaviour.Run.Duration
	}
	if length > 0 {
		c.at = now.Add(length)
	}
	if c.asked {
		c.at = now.Add(stopTime)
	}
}

// ask makes it end well, now or once it runs.
func (c *container) ask(now time.Time) {
	c.asked = true
	if c.step == running {
		c.at = now.Add(stopTime)
	}
}

// output is what the run that has begun writes.
func (c *container) output() []string {
	if all := c.behaviour.Outputs; len(all) > 0 {
		return all[min(c.runs, len(all))-1]
	}
	return c.behaviour.Output
}

func (c *container) end(now time.Time, code int32) *corev1.ContainerStateTerminated {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	return &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: metav1.NewTime(c.begun), FinishedAt: metav1.NewTime(now), ContainerID: c.id(),
	}
}

func (c *container) finish(end *corev1.ContainerStateTerminated) {
	c.step, c.at, c.finished = done, time.Time{}, end
}

// stop ends what runs or would run again; what never ran stays as it is.
func (c *container) stop(now time.Time, code int32) {
	switch c.step {
	case running:
		c.finish(c.end(now, code))
	case ended, crashed:
		c.finish(c.last)
		c.last = c.before
	default:
		c.at = time.Time{}
	}
}

func (c *container) id() string {
	if c.runs == 0 {
		return ""
	}
	return "sim://" + c.spec.Name + "-" + string(rune('0'+c.runs%10))
}

// status is what the kubelet would report. created says what a container waits
// for that is not its own trouble.
func (c *container) status(created string) corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, RestartCount: int32(max(c.runs-1, 0)), ContainerID: c.id(), Started: ptr.To(c.step == running && !c.behaviour.StartupFails),
	}
	if c.runs > 0 {
		s.ImageID = "sim://" + c.spec.Image
	}
	if c.last != nil {
		s.LastTerminationState.Terminated = c.last
	}
	switch c.step {
	case idle, starting:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: created}
	case pulling, stuck:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: c.reason, Message: c.message}
	case crashed:
		s.State.Waiting = &corev1.ContainerStateWaiting{
			Reason: "CrashLoopBackOff", Message: "back-off " + c.backOff.String() + " restarting failed container=" + c.spec.Name,
		}
	case ended:
		s.State.Terminated, s.LastTerminationState.Terminated = c.last, c.before
	case running:
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.begun)}
		s.Ready = !c.behaviour.StartupFails
	case done:
		s.State.Terminated = c.finished
		s.Ready = c.init && c.finished.ExitCode == 0
	}
	return s
}
