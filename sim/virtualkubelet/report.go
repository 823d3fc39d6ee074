package virtualkubelet

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// Panic is an answer that ends the virtual kubelet's process, and with it all
// news of every pod of the node, until it is restarted.
type Panic struct {
	Pod   string
	Words string
}

func (p *Panic) Error() string {
	return fmt.Sprintf("the virtual kubelet panics over the status of pod %s: %s", p.Pod, p.Words)
}

func final(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

// place stores a reported container and returns where the virtual kubelet then
// looks for it: at the first place, if it had not known the container.
func place(known *[]corev1.ContainerStatus, reported corev1.ContainerStatus) *corev1.ContainerStatus {
	reported = *reported.DeepCopy()
	i := slices.IndexFunc(*known, func(s corev1.ContainerStatus) bool { return s.Name == reported.Name })
	if i < 0 {
		*known = append(*known, reported)
		return &(*known)[0]
	}
	(*known)[i] = reported
	return &(*known)[i]
}

// end gives a terminated container the reason that the user reads; false where
// it has not terminated, which is where the virtual kubelet panics.
func end(status *corev1.ContainerStatus, reason string) bool {
	if status.State.Terminated == nil {
		return false
	}
	status.State.Terminated.Reason = reason
	return true
}

func exitReason(code int32) string {
	if code == 0 {
		return "Completed"
	}
	return fmt.Sprintf("Error: %d", code)
}

// inits is what the init containers of an answer come to.
type inits struct {
	waits, runs bool
	ended, of   int
	failed      bool
	reason      string
}

// report puts an answer into the status of the pod that the virtual kubelet
// keeps. The error is a *Panic.
func report(pod *corev1.Pod, answer *wire.PodStatus) error {
	if final(pod.Status.Phase) {
		return nil
	}
	before, err := reportInits(pod, answer.InitContainers)
	if err != nil {
		return err
	}
	status := &pod.Status
	ended, runs, failed := 0, false, ""
	for _, reported := range answer.Containers {
		at := place(&status.ContainerStatuses, reported)
		if before.waits || before.runs {
			reason := "PodInitializing"
			if before.runs {
				reason = fmt.Sprintf("Init:%d/%d", before.ended, before.of)
			}
			at.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
			continue
		}
		switch state := reported.State; {
		case state.Terminated != nil:
			ended++
			reason := exitReason(state.Terminated.ExitCode)
			if !end(at, reason) {
				return misplaced(pod, "container", reported.Name, at.Name)
			}
			if state.Terminated.ExitCode != 0 {
				failed = reason
			}
		case state.Waiting != nil:
		case state.Running != nil:
			runs = true
			at.Ready = true
			at.State.Running = state.Running.DeepCopy()
		}
	}

	if ended == len(answer.Containers) {
		if failed == "" && before.failed {
			failed = before.reason
		}
		return finish(pod, failed)
	}
	switch {
	case before.waits:
		status.Phase, status.Reason = corev1.PodPending, "Waiting for init containers"
	case before.runs:
		status.Phase, status.Reason = corev1.PodPending, "Init"
	case runs:
		status.Phase, status.Reason = corev1.PodRunning, "Running"
		status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	return nil
}

func reportInits(pod *corev1.Pod, reports []corev1.ContainerStatus) (inits, error) {
	sum := inits{of: len(reports)}
	for _, reported := range reports {
		at := place(&pod.Status.InitContainerStatuses, reported)
		switch state := reported.State; {
		case state.Terminated != nil:
			sum.ended++
			reason := exitReason(state.Terminated.ExitCode)
			if !end(at, reason) {
				return sum, misplaced(pod, "init container", reported.Name, at.Name)
			}
			if state.Terminated.ExitCode != 0 {
				sum.failed, sum.reason = true, reason
			}
		case state.Waiting != nil:
			sum.waits = true
			at.State.Waiting = state.Waiting.DeepCopy()
		case state.Running != nil:
			sum.runs = true
			at.State.Running, at.State.Waiting = state.Running.DeepCopy(), nil
		}
	}
	if sum.ended == sum.of {
		sum.waits = false
	}
	return sum, nil
}

// finish ends the pod for good: every container of the answer has ended, of
// which there may be none.
func finish(pod *corev1.Pod, failed string) error {
	status := &pod.Status
	if failed == "" {
		status.Phase, status.Reason = corev1.PodSucceeded, "Completed"
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse})
		return nil
	}
	status.Phase, status.Reason = corev1.PodFailed, failed
	for i := range status.ContainerStatuses {
		if !end(&status.ContainerStatuses[i], failed) {
			return &Panic{Pod: pod.Name, Words: fmt.Sprintf(
				"the answer ends the pod as failed, and container %s has not ended", status.ContainerStatuses[i].Name)}
		}
	}
	return nil
}

func misplaced(pod *corev1.Pod, kind, name, found string) error {
	return &Panic{Pod: pod.Name, Words: fmt.Sprintf(
		"%s %s, which it had not known, is said to have ended; it takes %s for it, which has not", kind, name, found)}
}

// takenBack names a container that had ended and no longer has, though its
// restart policy does not run it again: the local API server refuses such a
// status, and goes on showing the one before.
func takenBack(pod *corev1.Pod, before, after *corev1.PodStatus) string {
	for _, lists := range [][2][]corev1.ContainerStatus{
		{before.InitContainerStatuses, after.InitContainerStatuses},
		{before.ContainerStatuses, after.ContainerStatuses},
	} {
		for _, was := range lists[0] {
			i := slices.IndexFunc(lists[1], func(s corev1.ContainerStatus) bool { return s.Name == was.Name })
			if was.State.Terminated == nil || i >= 0 && lists[1][i].State.Terminated != nil {
				continue
			}
			if !podspec.MayRestart(pod, was.Name, was.State.Terminated.ExitCode) {
				return was.Name
			}
		}
	}
	return ""
}
