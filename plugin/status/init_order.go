package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

// orderInit reports the init containers in the only order that the virtual kubelet
// accepts: terminated ones, then at most one that runs or waits, then waiting ones
// (docs/contract.md, STATUS-33). After the pod has been initialized, all are
// terminated.
func (r *report) orderInit(initialized bool) {
	mustWait := false
	for i := range r.init {
		s := &r.init[i]
		r.maskRestarting(s)
		switch {
		case initialized && s.State.Terminated == nil:
			s.State = terminated(0, "Completed", "", metav1.Time{})
			if last := s.LastTerminationState.Terminated; last != nil && last.ExitCode == 0 {
				s.State = corev1.ContainerState{Terminated: last}
			}
		case mustWait && s.State.Waiting == nil:
			s.State = waiting(podstate.ReasonInitializing, "")
			s.Ready = false
		}
		mustWait = mustWait || s.State.Terminated == nil
	}
}
