package status

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

// maskRestarting reports a terminated container as waiting if the kubelet will start it
// again: a container that is reported as terminated counts as ended for good
// (docs/contract.md, STATUS-31).
func (r *report) maskRestarting(s *corev1.ContainerStatus) {
	end := s.State.Terminated
	if end == nil || !podstate.WillRestart(r.remote, s.Name, end) {
		return
	}
	s.LastTerminationState = corev1.ContainerState{Terminated: end}
	if r.remote.DeletionTimestamp != nil {
		s.State = waiting(reasonEnding, fmt.Sprintf("terminated with exit code %d; the remote pod is being deleted", end.ExitCode))
	} else {
		s.State = waiting(podstate.ReasonBackOff, fmt.Sprintf("terminated with exit code %d and will be restarted", end.ExitCode))
	}
	s.Ready = false
}
