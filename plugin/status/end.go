package status

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

// ended says whether nothing of the pod will run again: its phase says so, or an
// init container failed for good, which the phase follows a moment later.
func (r *report) ended() bool {
	switch r.remote.Status.Phase {
	case corev1.PodSucceeded, corev1.PodFailed:
		return true
	}
	return r.failedInit() != nil
}

// failedInit returns the init container that failed for good, or nil.
func (r *report) failedInit() *corev1.ContainerStatus {
	for i := range r.init {
		end := r.init[i].State.Terminated
		if end != nil && end.ExitCode != 0 && !podstate.WillRestart(r.remote, r.init[i].Name, end) {
			return &r.init[i]
		}
	}
	return nil
}

// reportTerminated reports every container as terminated (rule 3).
func (r *report) reportTerminated() {
	if r.remote.Status.Phase == corev1.PodSucceeded || mesh.OnlyMeshFailed(r.remote) {
		r.succeed()
	} else {
		r.fail()
	}
}

// succeed ends every container with 0: to the virtual kubelet, any other code
// makes the pod Failed.
func (r *report) succeed() {
	for _, list := range r.lists() {
		for i := range list {
			end := r.close(&list[i], 0, "Completed", "the pod succeeded; this container's own end is not known")
			if end.ExitCode != 0 { // it failed once more when the pod's sandbox was made anew
				end.Message = fmt.Sprintf("ended with exit code %d; the pod succeeded. %s", end.ExitCode, end.Message)
				end.ExitCode = 0
			}
		}
	}
}

// fail ends every container; those that have no end of their own were [killed].
// A terminated container's reason does not reach the user (contract, section 2),
// so the message says why the pod failed wherever it would be empty.
func (r *report) fail() {
	reason, cause := r.cause()
	failed := false
	for _, list := range r.lists() {
		for i := range list {
			end := r.close(&list[i], killed, reason, cause)
			if end.ExitCode != 0 && r.remote.Status.Reason != "" && (end.Message == "" || end.Reason == podstate.ReasonUnknown) {
				end.Message = cause
			}
			failed = failed || end.ExitCode != 0
		}
	}
	if !failed && len(r.main) > 0 {
		// The pod failed although each container ended well, as when it is
		// evicted and its processes obey: by its containers alone, the virtual
		// kubelet would call it a success.
		end := r.main[0].State.Terminated
		end.ExitCode, end.Reason = killed, reason
		end.Message = cause + "; the container itself ended with exit code 0"
	}
	r.terminateLocalContainers()
}

// cause says why the pod failed, as a reason and as a message: by the last words
// of a mesh that did not come up (the plugin itself ends such a pod), in the
// remote pod's own words, else by the init container that failed.
func (r *report) cause() (reason, message string) {
	if words := mesh.FailureMessage(r.remote); words != "" {
		return reasonMesh, "the mesh network did not come up: " + words
	}
	status := r.remote.Status
	reason = cmp.Or(status.Reason, "PodFailed")
	init := r.failedInit()
	switch {
	case status.Reason == "" && status.Message == "" && init != nil:
		message = fmt.Sprintf("init container %s ended with exit code %d", init.Name, init.State.Terminated.ExitCode)
	case status.Message == "":
		message = reason
	default:
		message = reason + ": " + status.Message
	}
	return reason, message
}

// close ends a container that has no end of its own, and returns its end.
func (r *report) close(s *corev1.ContainerStatus, code int32, reason, message string) *corev1.ContainerStateTerminated {
	if s.State.Terminated == nil {
		running := s.State.Running
		s.State = terminated(code, reason, message, r.endTime())
		if running != nil {
			s.State.Terminated.StartedAt = running.StartedAt
		}
		s.Ready, s.Started = false, new(bool)
	}
	return s.State.Terminated
}

// endTime is when the remote pod last changed a condition: the best guess at
// when a container ended that does not say.
func (r *report) endTime() metav1.Time {
	var last metav1.Time
	for _, condition := range r.remote.Status.Conditions {
		if last.Before(&condition.LastTransitionTime) {
			last = condition.LastTransitionTime
		}
	}
	return last
}

// terminateLocalContainers ends the containers that stayed in the local cluster together with a
// pod that failed: the virtual kubelet looks up the end of every container then,
// and panics at one that has none.
func (r *report) terminateLocalContainers() {
	for _, c := range r.requested.Spec.Containers {
		if named(r.main, c.Name) < 0 {
			r.main = append(r.main, corev1.ContainerStatus{
				Name: c.Name, Image: c.Image,
				State: terminated(0, "NotOffloaded", "the container stayed in the local cluster", metav1.Time{}),
			})
		}
	}
}
