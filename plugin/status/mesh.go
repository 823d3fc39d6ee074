package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// reasonMesh ends the containers of a pod whose mesh network did not come up.
const reasonMesh = "MeshFailed"

// Need is what somebody has to do about a remote pod that will not come to its
// end by itself.
type Need int

const (
	Nothing Need = iota
	// End: the pod's mesh never came up, so its containers will never start.
	End
	// Finish: its own containers have all ended, and only the mesh, in a container
	// that nobody else ends, keeps it running.
	Finish
)

// NeedOf says what a remote pod needs, which may be trimmed as for [Of].
func NeedOf(remote *corev1.Pod) Need {
	switch {
	case remote.DeletionTimestamp != nil, remote.Status.Phase == corev1.PodSucceeded, remote.Status.Phase == corev1.PodFailed:
		return Nothing
	case meshEnd(remote) != nil:
		if deadline := remote.Spec.ActiveDeadlineSeconds; deadline != nil && *deadline <= 1 {
			return Nothing // it is being ended
		}
		return End
	case meshStuck(remote) != nil:
		return End
	case meshAlone(remote) && remote.Annotations[wire.AnnotationFinished] == "":
		return Finish
	}
	return Nothing
}

// meshEnd returns how a mesh ended that never came up, or nil. It says so itself
// by its exit code, in this run or the last. Whatever else it ended of, it has
// not come up either if it is a sidecar and nobody else has begun.
func meshEnd(remote *corev1.Pod) *corev1.ContainerStateTerminated {
	if words := remote.Annotations[wire.AnnotationFailed]; words != "" {
		return &corev1.ContainerStateTerminated{ExitCode: mesh.ExitNotUp, Message: words}
	}
	statuses := slices.Concat(remote.Status.InitContainerStatuses, remote.Status.ContainerStatuses)
	i := named(statuses, mesh.Container)
	if i < 0 {
		return nil
	}
	ends := []*corev1.ContainerStateTerminated{statuses[i].State.Terminated, statuses[i].LastTerminationState.Terminated}
	for _, end := range ends {
		if end != nil && end.ExitCode == mesh.ExitNotUp {
			return end
		}
	}
	if named(remote.Status.InitContainerStatuses, mesh.Container) < 0 || slices.ContainsFunc(statuses, begun) {
		return nil
	}
	for _, end := range ends {
		if end != nil && end.ExitCode != 0 { // 0 is its answer to being asked to end
			return end
		}
	}
	return nil
}

// MeshWords are the last ones of a mesh that has not come up; "" for any other.
func MeshWords(remote *corev1.Pod) string {
	end := meshEnd(remote)
	if end == nil {
		if stuck := meshStuck(remote); stuck != nil {
			return fmt.Sprintf("%s never started: %s: %s", mesh.Container, stuck.Reason, stuck.Message)
		}
		return ""
	}
	return cmp.Or(strings.TrimSpace(end.Message), fmt.Sprintf("%s ended with exit code %d (%s)", mesh.Container, end.ExitCode, end.Reason))
}

// begun says whether a container other than the mesh's has ever run.
func begun(s corev1.ContainerStatus) bool {
	return s.Name != mesh.Container && (s.RestartCount > 0 || s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil)
}

// meshAlone says whether only a mesh in an ordinary container keeps the pod from
// its end: all of the pod's own containers have ended for good.
func meshAlone(remote *corev1.Pod) bool {
	statuses := remote.Status.ContainerStatuses
	i := named(statuses, mesh.Container)
	if i < 0 {
		return false
	}
	r := &report{remote: remote}
	for _, c := range remote.Spec.Containers {
		j := named(statuses, c.Name)
		if j < 0 {
			return false
		}
		over := statuses[j].State.Terminated != nil && !r.restarts(c.Name, statuses[j].State.Terminated)
		if over == (c.Name == mesh.Container) {
			return false
		}
	}
	return len(remote.Spec.Containers) > 1
}

// meshStuck returns why a mesh that alone keeps the pod from its end cannot so much
// as start, or nil.
func meshStuck(remote *corev1.Pod) *corev1.ContainerStateWaiting {
	if !meshAlone(remote) {
		return nil
	}
	waiting := remote.Status.ContainerStatuses[named(remote.Status.ContainerStatuses, mesh.Container)].State.Waiting
	if waiting == nil || waiting.Reason == "" || waiting.Reason == reasonCreating || waiting.Reason == reasonInit || waiting.Reason == reasonBackOff {
		return nil // it will, and end at once
	}
	return waiting
}

// meshAloneFailed says whether a pod failed by nothing but a mesh that had been up:
// its own containers have all ended well.
func meshAloneFailed(remote *corev1.Pod) bool {
	statuses := remote.Status.ContainerStatuses
	i := named(statuses, mesh.Container)
	if remote.Status.Phase != corev1.PodFailed || remote.Status.Reason != "" || i < 0 || meshEnd(remote) != nil {
		return false
	}
	return !slices.ContainsFunc(remote.Spec.Containers, func(c corev1.Container) bool {
		j := named(statuses, c.Name)
		if j < 0 || statuses[j].State.Terminated == nil {
			return true
		}
		return (statuses[j].State.Terminated.ExitCode == 0) == (c.Name == mesh.Container)
	})
}

// meshWaits says, for a container that the kubelet keeps waiting without a word,
// that it is the mesh that is waited for; "" if it is not.
func (r *report) meshWaits() string {
	i := named(r.remote.Status.InitContainerStatuses, mesh.Container)
	if i < 0 {
		return ""
	}
	s := r.remote.Status.InitContainerStatuses[i]
	switch waiting := s.State.Waiting; {
	case meshEnd(r.remote) != nil:
		return "the mesh network did not come up; the pod is being ended"
	case s.Started != nil && *s.Started:
		return ""
	case waiting != nil && waiting.Reason != reasonInit && waiting.Reason != reasonCreating && waiting.Reason != "":
		return "the mesh network cannot be set up yet: " + waiting.Reason + ": " + waiting.Message
	}
	return "the mesh network is being set up"
}
