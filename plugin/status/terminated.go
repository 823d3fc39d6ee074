package status

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

// hasTerminated reports whether no container of the pod will run again: the phase says
// so, or an init container failed for good. In that case the phase becomes Failed a
// moment later.
func (r *report) hasTerminated() bool {
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

// reportTerminated reports every container as terminated (docs/contract.md,
// STATUS-32).
func (r *report) reportTerminated() {
	if r.remote.Status.Phase == corev1.PodSucceeded || mesh.OnlyMeshFailed(r.remote) {
		r.reportSucceeded()
	} else {
		r.reportFailed()
	}
}

// reportSucceeded reports every container with exit code 0: with any other code, the
// virtual kubelet makes the pod Failed.
func (r *report) reportSucceeded() {
	for _, list := range r.lists() {
		for i := range list {
			end := r.terminate(&list[i], 0, "Completed", "the pod succeeded; the exit code of this container is not known")
			if end.ExitCode != 0 { // the container failed in a run after the pod's sandbox was replaced
				end.Message = fmt.Sprintf("terminated with exit code %d; the pod succeeded. %s", end.ExitCode, end.Message)
				end.ExitCode = 0
			}
		}
	}
}

// reportFailed reports every container as terminated. A container that has not reported
// an exit code gets [exitCodeKilled], or the exit code of a disruption. The user does not see
// the reason of a terminated
// container (docs/contract.md, STATUS-25), so the message says why the pod failed if
// the container has no message of its own.
func (r *report) reportFailed() {
	var code int32 = exitCodeKilled
	disruption := r.findDisruption()
	if disruption != nil {
		code = r.options.disruptedExitCode()
	}
	reason, message := r.failureCause(disruption)
	anyFailed := false
	for _, list := range r.lists() {
		for i := range list {
			ended := list[i].State.Terminated != nil
			end := r.terminate(&list[i], code, reason, message)
			switch {
			case !ended:
			case disruption != nil:
				disruption.stop(end, podstate.WillRestart(r.remote, list[i].Name, end), code)
			case end.ExitCode != 0 && r.remote.Status.Reason != "" && (end.Message == "" || end.Reason == podstate.ReasonUnknown):
				end.Message = message
			}
			anyFailed = anyFailed || end.ExitCode != 0
		}
	}
	if !anyFailed && len(r.main) > 0 {
		// The pod failed although each container succeeded, for example when the pod is
		// evicted and its processes exit with 0 on request. With these states, the
		// virtual kubelet would make the pod Succeeded.
		end := r.main[0].State.Terminated
		end.ExitCode, end.Reason = code, reason
		end.Message = message + "; the container itself terminated with exit code 0"
	}
	r.terminateLocalContainers()
}

// failureCause returns why the pod failed, as a reason and a message: a disruption, its mesh
// failed to start (then the plugin has failed the pod), or what the remote pod says, or else
// the init container, or the container that the local pod does not show, that failed.
func (r *report) failureCause(disruption *disruption) (reason, message string) {
	if disruption != nil {
		return disruption.reason, disruption.message
	}
	if failure := mesh.FailureMessage(r.remote); failure != "" {
		return reasonMesh, "the mesh network failed to start: " + failure
	}
	status := r.remote.Status
	reason = cmp.Or(status.Reason, "PodFailed")
	message = withWords(reason, status.Message)
	if status.Reason == "" && status.Message == "" {
		if init := r.failedInit(); init != nil {
			message = fmt.Sprintf("init container %s terminated with exit code %d", init.Name, init.State.Terminated.ExitCode)
		} else if cause := r.endCause(); cause != "" {
			message = withWords(reason, cause)
		}
	}
	return reason, message
}

// terminate reports a container as terminated as given, unless it has terminated
// already. It returns how the container terminated.
func (r *report) terminate(s *corev1.ContainerStatus, exitCode int32, reason, message string) *corev1.ContainerStateTerminated {
	if s.State.Terminated == nil {
		running := s.State.Running
		s.State = terminated(exitCode, reason, message, r.lastConditionChange())
		if running != nil {
			s.State.Terminated.StartedAt = running.StartedAt
		}
		s.Ready, s.Started = false, new(bool)
	}
	return s.State.Terminated
}

// lastConditionChange returns when a condition of the remote pod last changed. It is
// the best estimate for the end of a container that has not reported it.
func (r *report) lastConditionChange() metav1.Time {
	var last metav1.Time
	for _, condition := range r.remote.Status.Conditions {
		if last.Before(&condition.LastTransitionTime) {
			last = condition.LastTransitionTime
		}
	}
	return last
}

// terminateLocalContainers reports the containers that stay in the local cluster as
// terminated when the pod failed: the virtual kubelet panics if a container of a
// failed pod has not terminated (docs/contract.md, STATUS-36 and STATUS-26).
func (r *report) terminateLocalContainers() {
	for _, c := range r.requested.Spec.Containers {
		if podstate.Find(r.main, c.Name) == nil {
			r.main = append(r.main, corev1.ContainerStatus{
				Name: c.Name, Image: c.Image,
				State: terminated(0, reasonNotOffloaded, "the container stayed in the local cluster", metav1.Time{}),
			})
		}
	}
}
