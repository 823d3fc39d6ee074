package virtualkubelet

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/qos"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// PhaseChange is a phase of a local pod, and when it began.
type PhaseChange struct {
	Phase corev1.PodPhase
	At    time.Time
}

// localPod is a pod of the local cluster.
type localPod struct {
	// stored is the pod as the virtual kubelet has it; nil until it knows the pod.
	stored *corev1.Pod
	// admitted is the pod before it had any status, for the next create.
	admitted *corev1.Pod
	// answeredJobID is that of the first create. A virtual kubelet that forgets the job ID
	// does not change it.
	answeredJobID string
	// answered is when the first create was answered; zero before that.
	answered time.Time
	// stale is the number of status calls in a row whose answers said nothing about the pod.
	stale int
	// shown is the status in the local API server.
	shown   corev1.PodStatus
	history []PhaseChange
	// creates is the number of creates in flight.
	creates int
	// deleted is true once the pod is deleted from the local cluster.
	deleted bool
	// deletion is the body of its delete; nil before that, and if none is sent.
	deletion *corev1.Pod
}

func newLocalPod(admitted *corev1.Pod, now time.Time) *localPod {
	p := &localPod{admitted: admitted}
	p.setShown(admitted.Status, now)
	return p
}

func (p *localPod) setShown(status corev1.PodStatus, now time.Time) {
	p.shown = *status.DeepCopy()
	if n := len(p.history); n == 0 || p.history[n-1].Phase != status.Phase {
		p.history = append(p.history, PhaseChange{Phase: status.Phase, At: now})
	}
}

// show writes the status that the virtual kubelet has to the local API server. A
// *StaleStatus means that the server refuses it.
func (p *localPod) show(now time.Time) error {
	if isFinal(p.shown.Phase) {
		return nil
	}
	next := asAPIServerReturns(p.stored).Status
	if name := restartedContainer(p.stored, &p.shown, &next); name != "" {
		return &StaleStatus{
			Pod:    p.stored.Name,
			Rule:   "STATUS-27",
			Reason: "the local API server refuses it, because container " + name + " had ended and its restart policy allows no other run",
		}
	}
	p.setShown(next, now)
	return nil
}

func (p *localPod) running() bool {
	return slices.ContainsFunc(p.shown.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
}

func (p *localPod) jobID() string {
	if p.stored == nil {
		return ""
	}
	return p.stored.Annotations[wire.AnnotationJobID]
}

// asAPIServerReturns adds what the local API server adds to the status that the
// virtual kubelet writes.
func asAPIServerReturns(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Status.QOSClass = qos.ComputePodQOS(pod)
	if pod.Status.PodIP != "" {
		pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	}
	return pod
}

// restartedContainer returns the name of a container that had ended and has not
// any more, although its restart policy does not allow that: the local API server
// refuses such a status (docs/contract.md, STATUS-27).
func restartedContainer(pod *corev1.Pod, before, after *corev1.PodStatus) string {
	for _, statuses := range []struct{ before, after []corev1.ContainerStatus }{
		{before.InitContainerStatuses, after.InitContainerStatuses},
		{before.ContainerStatuses, after.ContainerStatuses},
	} {
		for _, was := range statuses.before {
			i := slices.IndexFunc(statuses.after, func(s corev1.ContainerStatus) bool { return s.Name == was.Name })
			if was.State.Terminated == nil || i >= 0 && statuses.after[i].State.Terminated != nil {
				continue
			}
			if !podspec.MayRestart(pod, was.Name, was.State.Terminated.ExitCode) {
				return was.Name
			}
		}
	}
	return ""
}

func isFinal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}
