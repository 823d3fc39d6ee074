package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/quotawait"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// stuckAfter is how long a pod may take to be scheduled and to start before the page says that somebody should look.
	stuckAfter = 5 * time.Minute
	// overdueAfter is how long a pod may take to end after its grace period.
	overdueAfter = time.Minute
)

// saidByTheKubelet are the reasons of containers that wait whose messages the kubelet writes without the words of a
// user's program. In other messages there can be a command, with its arguments, or what a program has printed; the page
// shows neither.
var saidByTheKubelet = []string{
	"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable", "SignatureValidationFailed",
	"CreateContainerConfigError", podstate.ReasonCreating, podstate.ReasonInitializing,
}

// pageRow returns a remote pod as a row of the page's table at a time.
func pageRow(pod *corev1.Pod, now time.Time) admin.Pod { return newKeptRow(pod).at(now) }

// rowOf returns a remote pod as a row of the page's table, and from when on somebody should look at it; zero if it is well.
func rowOf(pod *corev1.Pod) (row admin.Pod, attention time.Time) {
	atOnce := time.Unix(1, 0) // always in the past, whatever the clocks say
	row = admin.Pod{
		Namespace: pod.Annotations[wire.AnnotationSourceNamespace], Name: pod.Annotations[wire.AnnotationSourceName],
		RemoteNamespace: pod.Namespace, RemoteName: pod.Name,
		VirtualNode: pod.Annotations[wire.AnnotationSourceNode], Node: pod.Spec.NodeName,
		Phase: string(pod.Status.Phase), Created: pod.CreationTimestamp.Time, Restarts: restartsOf(pod), Warnings: len(warningsOf(pod)),
	}
	if row.Phase == "" {
		row.Phase = string(corev1.PodPending)
	}
	switch {
	case pod.DeletionTimestamp != nil:
		row.Phase = admin.PhaseTerminating
		if len(pod.Finalizers) > 0 {
			row.Reason, row.Message = "Finalizers", "the pod exists until these finalizers are removed: "+strings.Join(pod.Finalizers, ", ")
		}
		attention = pod.DeletionTimestamp.Add(overdueAfter) // the API server has added the grace period
	case pod.Annotations[wire.AnnotationFailed] != "":
		row.Reason, row.Message = "MeshFailed", "the mesh of the pod failed to start; its output is in the pod's status"
		attention = atOnce
	case pod.Status.Phase == corev1.PodFailed:
		row.Reason, row.Message = failureOf(pod)
	case pod.Status.Phase == corev1.PodSucceeded:
	default:
		row.Reason, row.Message = waitOf(pod)
		switch row.Reason {
		case "":
		case podstate.ReasonCreating, podstate.ReasonInitializing, corev1.PodReasonUnschedulable, corev1.PodReasonSchedulingGated:
			attention = row.Created.Add(stuckAfter)
		default:
			attention = atOnce
		}
	}
	if pod.Annotations[wire.AnnotationUnaskedSince] != "" {
		attention = atOnce
		if row.Reason == "" {
			row.Reason, row.Message = "Orphan", "the virtual node does not ask about the pod any more"
		}
	}
	return row, attention
}

// waitOf returns why a pod does not run as it should; empty if it does.
func waitOf(pod *corev1.Pod) (reason, message string) {
	for _, gate := range pod.Spec.SchedulingGates {
		if gate.Name == wire.GateDependents {
			return corev1.PodReasonSchedulingGated, "the pod starts when the objects that it needs exist"
		}
	}
	if scheduled := conditionOf(pod, corev1.PodScheduled); scheduled.Status == corev1.ConditionFalse {
		return scheduled.Reason, scheduled.Message
	}
	var common *corev1.ContainerStateWaiting // the usual wait, unless another container says more
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			switch waits := s.State.Waiting; {
			case waits == nil:
			case waits.Reason == podstate.ReasonCreating, waits.Reason == podstate.ReasonInitializing, waits.Reason == "":
				if common == nil {
					common = waits
				}
			default:
				return waits.Reason, shownMessage(waits)
			}
		}
	}
	switch {
	case common != nil && common.Reason != "":
		return common.Reason, shownMessage(common)
	case pod.Status.Phase == corev1.PodPending && pod.Spec.NodeName != "":
		return podstate.ReasonCreating, ""
	}
	return "", ""
}

// shownMessage returns the message of a container that waits, if the page may show it.
func shownMessage(waits *corev1.ContainerStateWaiting) string {
	if slices.Contains(saidByTheKubelet, waits.Reason) {
		return waits.Message
	}
	return ""
}

// failureOf returns why a pod has failed.
func failureOf(pod *corev1.Pod) (reason, message string) {
	if pod.Status.Reason != "" {
		return pod.Status.Reason, pod.Status.Message
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
				return t.Reason, fmt.Sprintf("container %s ended with exit code %d", s.Name, t.ExitCode)
			}
		}
	}
	return "", pod.Status.Message
}

// waitingRow returns a pod that waits for a quota as a row of the page's table.
func waitingRow(pod quotawait.Pod) admin.Pod {
	row := admin.Pod{
		Namespace: pod.Namespace, Name: pod.Name, RemoteNamespace: pod.RemoteNamespace, RemoteName: pod.RemoteName,
		Phase: admin.PhaseWaiting, Reason: status.ReasonQuota, Message: pod.Reason, Created: pod.Since,
	}
	if pod.Failed {
		row.Phase, row.Reason = string(corev1.PodFailed), "CreateFailed"
	}
	return row
}

func restartsOf(pod *corev1.Pod) int {
	restarts := 0
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			restarts += int(s.RestartCount)
		}
	}
	return restarts
}

// warningsOf returns what of the local pod could not be carried over.
func warningsOf(pod *corev1.Pod) []string {
	if text := strings.TrimSpace(pod.Annotations[wire.AnnotationWarnings]); text != "" {
		return strings.Split(text, "\n")
	}
	return nil
}

// conditionOf returns the condition of a type, or an empty one.
func conditionOf(pod *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return corev1.PodCondition{}
}
