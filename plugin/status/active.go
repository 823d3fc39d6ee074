package status

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

// reportActive reports a pod that has not terminated. The virtual kubelet derives the
// phase from the states of the containers. So where the two contradict each other, the
// remote phase decides which states are reported, and the messages say the real states
// (docs/contract.md, STATUS-37).
func (r *report) reportActive() {
	running := r.isRunning()
	r.orderInit(running)
	allTerminated := len(r.main) > 0
	for i := range r.main {
		s := &r.main[i]
		r.maskRestarting(s)
		if !running && s.State.Running != nil {
			// Another container has not started, and a running container would make the
			// local pod Running.
			since := s.State.Running.StartedAt.UTC().Format(time.RFC3339)
			s.State = waiting(reasonStarting, fmt.Sprintf("running since %s; the pod is Pending until all its containers have started", since))
			s.Ready = false
		}
		allTerminated = allTerminated && s.State.Terminated != nil
	}
	if allTerminated {
		r.keepOneWaiting()
	}
}

// isRunning reports whether the phase of the remote pod is Running. The phase Unknown
// means that the node is lost. Then the state before the loss decides: the pod was
// Running if all its containers had started.
func (r *report) isRunning() bool {
	if r.remote.Status.Phase != corev1.PodUnknown {
		return r.remote.Status.Phase == corev1.PodRunning
	}
	return !slices.ContainsFunc(r.remote.Spec.Containers, func(c corev1.Container) bool {
		s := podstate.Find(r.remote.Status.ContainerStatuses, c.Name)
		return s == nil || s.State.Running == nil && s.State.Terminated == nil && s.LastTerminationState.Terminated == nil
	})
}

// keepOneWaiting reports one container as waiting although all have terminated, for
// example while the kubelet stops sidecars: if all were reported as terminated, the
// local pod would end. It chooses a container that has not been reported as terminated
// before, since the local API server refuses to change that (docs/contract.md,
// STATUS-38 and STATUS-27).
func (r *report) keepOneWaiting() {
	s := &r.main[len(r.main)-1]
	for i := range r.main {
		before := podstate.Find(r.requested.Status.ContainerStatuses, r.main[i].Name)
		if before != nil && before.State.Terminated == nil {
			s = &r.main[i]
		}
	}
	s.LastTerminationState = corev1.ContainerState{Terminated: s.State.Terminated}
	s.State = waiting(reasonEnding, fmt.Sprintf("terminated with exit code %d; the pod has not terminated yet%s", s.State.Terminated.ExitCode, r.stillRunning()))
	s.Ready = false
}
