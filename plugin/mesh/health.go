package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Action is what the plugin must do about a remote pod that cannot terminate by
// itself because of its mesh.
type Action int

const (
	// NoAction is the action for a pod that needs none.
	NoAction Action = iota
	// FailPod is the action for a pod whose mesh failed to start: the pod's own
	// containers must not start, or must not go on without the network.
	FailPod
	// StopMesh is the action for a pod whose own containers have all terminated: only
	// the mesh, in an ordinary container, keeps the pod running.
	StopMesh
)

// RequiredAction returns the action that a remote pod requires. The pod may hold only
// the fields that the pod cache keeps.
func RequiredAction(remote *corev1.Pod) Action {
	switch {
	case remote.DeletionTimestamp != nil, remote.Status.Phase == corev1.PodSucceeded, remote.Status.Phase == corev1.PodFailed:
		return NoAction
	case startFailure(remote) != nil:
		if deadline := remote.Spec.ActiveDeadlineSeconds; deadline != nil && *deadline <= 1 {
			return NoAction // the plugin has failed the pod by this deadline
		}
		return FailPod
	case cannotStart(remote) != nil:
		return FailPod
	case onlyMeshRemains(remote) && remote.Annotations[wire.AnnotationFinished] == "":
		return StopMesh
	}
	return NoAction
}

// FailureMessage returns why the mesh of a remote pod failed to start: the last
// output of its container, if there is any. It returns "" for all other pods.
func FailureMessage(remote *corev1.Pod) string {
	end := startFailure(remote)
	if end == nil {
		if waiting := cannotStart(remote); waiting != nil {
			return fmt.Sprintf("%s never started: %s: %s", Container, waiting.Reason, waiting.Message)
		}
		return ""
	}
	return cmp.Or(strings.TrimSpace(end.Message), fmt.Sprintf("%s terminated with exit code %d (%s)", Container, end.ExitCode, end.Reason))
}

// WaitMessage returns what a container that waits for the pod's initialization waits
// for, if that is the mesh; else "". The kubelet itself does not say it.
func WaitMessage(remote *corev1.Pod) string {
	s := podstate.Find(remote.Status.InitContainerStatuses, Container)
	switch {
	case s == nil:
		return ""
	case startFailure(remote) != nil:
		return "the mesh network failed to start; the pod will fail"
	case s.Started != nil && *s.Started:
		return ""
	case hasStartError(s.State.Waiting):
		return "the mesh network cannot start yet: " + s.State.Waiting.Reason + ": " + s.State.Waiting.Message
	}
	return "the mesh network is starting"
}

// OnlyMeshFailed reports whether a pod failed for no other reason than a mesh that
// had started and failed later: all of the pod's own containers succeeded.
func OnlyMeshFailed(remote *corev1.Pod) bool {
	statuses := remote.Status.ContainerStatuses
	if remote.Status.Phase != corev1.PodFailed || remote.Status.Reason != "" ||
		podstate.Find(statuses, Container) == nil || startFailure(remote) != nil {
		return false
	}
	for _, c := range remote.Spec.Containers {
		s := podstate.Find(statuses, c.Name)
		if s == nil || s.State.Terminated == nil {
			return false
		}
		if succeeded := s.State.Terminated.ExitCode == 0; succeeded == (c.Name == Container) {
			return false
		}
	}
	return true
}

// startFailure returns how a mesh terminated that failed to start, or nil. The mesh
// reports this failure by its exit code, in this run or in the previous one. A mesh
// in a sidecar has also failed to start if it terminated with any other error before
// another container of the pod had started.
func startFailure(remote *corev1.Pod) *corev1.ContainerStateTerminated {
	if message := remote.Annotations[wire.AnnotationFailed]; message != "" {
		return &corev1.ContainerStateTerminated{ExitCode: ExitStartFailed, Message: message}
	}
	statuses := slices.Concat(remote.Status.InitContainerStatuses, remote.Status.ContainerStatuses)
	s := podstate.Find(statuses, Container)
	if s == nil {
		return nil
	}
	ends := []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated}
	for _, end := range ends {
		if end != nil && end.ExitCode == ExitStartFailed {
			return end
		}
	}
	if podstate.Find(remote.Status.InitContainerStatuses, Container) == nil || slices.ContainsFunc(statuses, workloadStarted) {
		return nil
	}
	for _, end := range ends {
		if end != nil && end.ExitCode != 0 { // 0 is the exit code after a request to terminate
			return end
		}
	}
	return nil
}

// workloadStarted reports whether s is a container other than the mesh's that has
// ever run.
func workloadStarted(s corev1.ContainerStatus) bool {
	return s.Name != Container && (s.RestartCount > 0 || s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil)
}

// onlyMeshRemains reports whether all of the pod's own containers have terminated for
// good, so that only a mesh in an ordinary container keeps the pod from terminating.
func onlyMeshRemains(remote *corev1.Pod) bool {
	statuses := remote.Status.ContainerStatuses
	if podstate.Find(statuses, Container) == nil {
		return false
	}
	for _, c := range remote.Spec.Containers {
		s := podstate.Find(statuses, c.Name)
		if s == nil {
			return false
		}
		done := s.State.Terminated != nil && !podstate.WillRestart(remote, c.Name, s.State.Terminated)
		if done == (c.Name == Container) {
			return false
		}
	}
	return len(remote.Spec.Containers) > 1
}

// cannotStart returns why a mesh that alone keeps the pod from terminating cannot
// start, or nil.
func cannotStart(remote *corev1.Pod) *corev1.ContainerStateWaiting {
	if !onlyMeshRemains(remote) {
		return nil
	}
	waiting := podstate.Find(remote.Status.ContainerStatuses, Container).State.Waiting
	if !hasStartError(waiting) || waiting.Reason == podstate.ReasonBackOff {
		return nil // it will start, and terminate at once
	}
	return waiting
}

// hasStartError reports whether a container waits because of an error, such as
// ImagePullBackOff.
func hasStartError(waiting *corev1.ContainerStateWaiting) bool {
	return waiting != nil && waiting.Reason != "" && waiting.Reason != podstate.ReasonCreating && waiting.Reason != podstate.ReasonInitializing
}
