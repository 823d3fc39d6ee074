package virtualkubelet

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Panic is the error of an answer that makes the virtual kubelet's process crash.
// No pod of the node is updated until the virtual kubelet is restarted.
type Panic struct {
	Pod string
	// Rule is the number of the rule of docs/contract.md, such as STATUS-26.
	Rule   string
	Reason string
}

func (p *Panic) Error() string {
	return fmt.Sprintf("the virtual kubelet panics because of the status of pod %s: %s", p.Pod, p.Reason)
}

// initSummary sums up the init containers of an answer.
type initSummary struct {
	waiting, running  bool
	terminated, total int
	failed            bool
	reason            string // of the last failure
}

// applyAnswer changes the status of the pod that the virtual kubelet stores, by the
// plugin's answer to a status call. The error is a *Panic.
func applyAnswer(pod *corev1.Pod, answer *wire.PodStatus) error {
	if isFinal(pod.Status.Phase) {
		return nil
	}
	inits, err := applyInitContainers(pod, answer.InitContainers)
	if err != nil {
		return err
	}
	status := &pod.Status
	terminated, running, failure := 0, false, ""
	for _, reported := range answer.Containers {
		target := storeStatus(&status.ContainerStatuses, reported)
		if inits.waiting || inits.running {
			reason := "PodInitializing"
			if inits.running {
				reason = fmt.Sprintf("Init:%d/%d", inits.terminated, inits.total)
			}
			target.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
			continue
		}
		switch state := reported.State; {
		case state.Terminated != nil:
			terminated++
			reason := exitReason(state.Terminated.ExitCode)
			if !setTerminatedReason(target, reason) {
				return wrongTarget(pod, "STATUS-15", "container", reported.Name, target.Name)
			}
			if state.Terminated.ExitCode != 0 {
				failure = reason
			}
		case state.Waiting != nil:
		case state.Running != nil:
			running = true
			target.Ready = true
			target.State.Running = state.Running.DeepCopy()
		}
	}

	if terminated == len(answer.Containers) {
		if failure == "" && inits.failed {
			failure = inits.reason
		}
		return endPod(pod, answer, failure)
	}
	switch {
	case inits.waiting:
		status.Phase, status.Reason = corev1.PodPending, "Waiting for init containers"
	case inits.running:
		status.Phase, status.Reason = corev1.PodPending, "Init"
	case running:
		status.Phase, status.Reason = corev1.PodRunning, "Running"
		status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	return nil
}

func applyInitContainers(pod *corev1.Pod, reports []corev1.ContainerStatus) (initSummary, error) {
	summary := initSummary{total: len(reports)}
	for _, reported := range reports {
		target := storeStatus(&pod.Status.InitContainerStatuses, reported)
		switch state := reported.State; {
		case state.Terminated != nil:
			summary.terminated++
			reason := exitReason(state.Terminated.ExitCode)
			if !setTerminatedReason(target, reason) {
				return summary, wrongTarget(pod, "STATUS-16", "init container", reported.Name, target.Name)
			}
			if state.Terminated.ExitCode != 0 {
				summary.failed, summary.reason = true, reason
			}
		case state.Waiting != nil:
			summary.waiting = true
			target.State.Waiting = state.Waiting.DeepCopy()
		case state.Running != nil:
			summary.running = true
			target.State.Running, target.State.Waiting = state.Running.DeepCopy(), nil
		}
	}
	if summary.terminated == summary.total {
		summary.waiting = false
	}
	return summary, nil
}

// endPod ends the pod for good, because every container of the answer has
// terminated; the answer may have none (docs/contract.md, STATUS-12 to STATUS-14).
func endPod(pod *corev1.Pod, answer *wire.PodStatus, failure string) error {
	status := &pod.Status
	if failure == "" {
		status.Phase, status.Reason = corev1.PodSucceeded, "Completed"
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse})
		return nil
	}
	status.Phase, status.Reason = corev1.PodFailed, failure
	for i := range status.ContainerStatuses {
		name := status.ContainerStatuses[i].Name
		switch listed := slices.ContainsFunc(answer.Containers, func(c corev1.ContainerStatus) bool { return c.Name == name }); {
		case setTerminatedReason(&status.ContainerStatuses[i], failure):
		case listed:
			return &Panic{Pod: pod.Name, Rule: "STATUS-26", Reason: fmt.Sprintf("the answer ends the pod as failed, but container %s has not terminated", name)}
		default:
			return &Panic{Pod: pod.Name, Rule: "STATUS-14", Reason: fmt.Sprintf("the answer ends the pod as failed, and leaves out container %s, which has not terminated", name)}
		}
	}
	return nil
}

// storeStatus stores the status of a container, and returns the status that the
// virtual kubelet then changes. For an unknown container this is the first status of
// the list, which is a bug of InterLink.
func storeStatus(known *[]corev1.ContainerStatus, reported corev1.ContainerStatus) *corev1.ContainerStatus {
	reported = *reported.DeepCopy()
	i := slices.IndexFunc(*known, func(s corev1.ContainerStatus) bool { return s.Name == reported.Name })
	if i < 0 {
		*known = append(*known, reported)
		return &(*known)[0]
	}
	(*known)[i] = reported
	return &(*known)[i]
}

// setTerminatedReason sets the reason that the user reads. It returns false if the
// container has not terminated: there the virtual kubelet panics.
func setTerminatedReason(status *corev1.ContainerStatus, reason string) bool {
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

func wrongTarget(pod *corev1.Pod, rule, kind, reported, target string) error {
	return &Panic{Pod: pod.Name, Rule: rule, Reason: fmt.Sprintf(
		"%s %s, which the pod did not have before, is reported as terminated; the virtual kubelet confuses it with %s, which has not terminated",
		kind, reported, target)}
}
