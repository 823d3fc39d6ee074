package node

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// status returns what a kubelet reports of the container. While the container itself
// causes no delay, it waits for defaultReason.
func (c *container) status(defaultReason string) corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, RestartCount: int32(max(c.runs-1, 0)), ContainerID: c.id(),
		Started: ptr.To(c.state == running && !c.behavior.StartupFails),
	}
	if c.runs > 0 {
		s.ImageID = "sim://" + c.spec.Image
	}
	if c.last != nil {
		s.LastTerminationState.Terminated = c.last
	}
	switch c.state {
	case notStarted, creating:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: defaultReason}
	case pullFailed, blocked:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: c.waitReason, Message: c.waitMessage}
	case backingOff:
		s.State.Waiting = &corev1.ContainerStateWaiting{
			Reason: "CrashLoopBackOff", Message: "back-off " + c.backOff.String() + " restarting failed container=" + c.spec.Name,
		}
	case restarting:
		s.State.Terminated, s.LastTerminationState.Terminated = c.last, c.beforeLast
	case running:
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.startedAt)}
		s.Ready = !c.behavior.StartupFails
	case terminated:
		s.State.Terminated = c.final
		s.Ready = c.isInit && c.final.ExitCode == 0
	}
	return s
}

// termination returns the state of the current run after its end.
func (c *container) termination(now time.Time, exitCode int32) *corev1.ContainerStateTerminated {
	reason := "Completed"
	if exitCode != 0 {
		reason = "Error"
	}
	return &corev1.ContainerStateTerminated{
		ExitCode: exitCode, Reason: reason, StartedAt: metav1.NewTime(c.startedAt), FinishedAt: metav1.NewTime(now), ContainerID: c.id(),
	}
}

// id returns the ID of the current run, "" before the first one.
func (c *container) id() string {
	if c.runs == 0 {
		return ""
	}
	return "sim://" + c.spec.Name + "-" + string(rune('0'+c.runs%10))
}
