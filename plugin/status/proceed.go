package status

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

// reportActive reports a pod that goes on. The virtual kubelet makes the phase of the
// containers' states, so where the two contradict each other the remote phase
// decides what is said of the containers, with the truth in the message.
func (r *report) reportActive() {
	running := r.running()
	r.orderInit(running)
	ended := len(r.main) > 0
	for i := range r.main {
		s := &r.main[i]
		r.maskRestarting(s)
		if !running && s.State.Running != nil {
			// Another container has not started, and one that runs would make
			// the pod Running.
			since := s.State.Running.StartedAt.UTC().Format(time.RFC3339)
			s.State = waiting(reasonStarting, fmt.Sprintf("running since %s; the pod is Pending until all its containers have started", since))
			s.Ready = false
		}
		ended = ended && s.State.Terminated != nil
	}
	if ended {
		r.keepOneWaiting()
	}
}

// running says whether the pod's phase is Running. Unknown, the phase of a pod
// whose node is lost, is none of its own: the pod is what it was before, Running
// if all its containers had started.
func (r *report) running() bool {
	if r.remote.Status.Phase != corev1.PodUnknown {
		return r.remote.Status.Phase == corev1.PodRunning
	}
	return !slices.ContainsFunc(r.remote.Spec.Containers, func(c corev1.Container) bool {
		i := named(r.remote.Status.ContainerStatuses, c.Name)
		if i < 0 {
			return true
		}
		s := r.remote.Status.ContainerStatuses[i]
		return s.State.Running == nil && s.State.Terminated == nil && s.LastTerminationState.Terminated == nil
	})
}

// keepOneWaiting lets one container wait although all have ended, as while sidecars are
// being stopped: all ended would end the pod. It takes one that has not been
// reported as ended, since the local API server refuses to take an end back.
func (r *report) keepOneWaiting() {
	at := len(r.main) - 1
	for i, s := range r.main {
		j := named(r.requested.Status.ContainerStatuses, s.Name)
		if j >= 0 && r.requested.Status.ContainerStatuses[j].State.Terminated == nil {
			at = i
		}
	}
	s := &r.main[at]
	s.LastTerminationState = corev1.ContainerState{Terminated: s.State.Terminated}
	s.State = waiting(reasonEnding, fmt.Sprintf("ended with exit code %d; the pod has not ended yet", s.State.Terminated.ExitCode))
	s.Ready = false
}

// orderInit puts init containers in the order that the virtual kubelet can
// bear: terminated, then at most one that is not, then waiting (rule 4). Once the
// pod has been initialized, all are terminated.
func (r *report) orderInit(initialized bool) {
	waits := false
	for i := range r.init {
		s := &r.init[i]
		r.maskRestarting(s)
		switch {
		case initialized && s.State.Terminated == nil:
			s.State = terminated(0, "Completed", "", metav1.Time{})
			if last := s.LastTerminationState.Terminated; last != nil && last.ExitCode == 0 {
				s.State.Terminated = last
			}
		case waits && s.State.Waiting == nil:
			s.State = waiting(podstate.ReasonInitializing, "")
			s.Ready = false
		}
		waits = waits || s.State.Terminated == nil
	}
}

// maskRestarting makes of a container that ended, but that its restart policy runs
// again, one that waits (rule 2).
func (r *report) maskRestarting(s *corev1.ContainerStatus) {
	end := s.State.Terminated
	if end == nil || !podstate.WillRestart(r.remote, s.Name, end) {
		return
	}
	s.LastTerminationState = corev1.ContainerState{Terminated: end}
	if r.remote.DeletionTimestamp != nil {
		s.State = waiting(reasonEnding, fmt.Sprintf("ended with exit code %d; the remote pod is being deleted", end.ExitCode))
	} else {
		s.State = waiting(podstate.ReasonBackOff, fmt.Sprintf("ended with exit code %d and will be restarted", end.ExitCode))
	}
	s.Ready = false
}
