package virtualkubelet

import (
	"fmt"
	"html"
	"slices"
	"time"

	"k8s.io/kubectl/pkg/util/qos"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Refusal is a create that did not answer as InterLink wants it, so that the
// pod is Failed for good.
type Refusal struct {
	Pod string
	// Status is the answer's HTTP status, 0 if there was none.
	Status int
	// Body is its text, or says why there was none.
	Body string
}

func (r *Refusal) Error() string {
	if r.Status == 0 {
		return fmt.Sprintf("create of pod %s was not answered: %s", r.Pod, r.Body)
	}
	return fmt.Sprintf("create of pod %s was answered %d: %s", r.Pod, r.Status, r.Body)
}

// Frozen is a status call that told nothing: the user goes on seeing what was
// seen before.
type Frozen struct {
	Pod   string
	Words string
}

func (f *Frozen) Error() string {
	return fmt.Sprintf("status of pod %s is frozen: %s", f.Pod, f.Words)
}

// Change is a phase that the local cluster began to show.
type Change struct {
	Phase corev1.PodPhase
	At    time.Time
}

// local is a pod of the local cluster.
type local struct {
	// kept is the pod as the virtual kubelet has it; nil before it does.
	kept *corev1.Pod
	// admitted is what the pod was before any status, for another create.
	admitted *corev1.Pod
	// shown is the status that the local API server has.
	shown   corev1.PodStatus
	history []Change
	// gone: deleted from the local cluster.
	gone bool
}

func newLocal(admitted *corev1.Pod, now time.Time) *local {
	l := &local{admitted: admitted}
	l.display(admitted.Status, now)
	return l
}

func (l *local) display(status corev1.PodStatus, now time.Time) {
	l.shown = *status.DeepCopy()
	if n := len(l.history); n == 0 || l.history[n-1].Phase != status.Phase {
		l.history = append(l.history, Change{Phase: status.Phase, At: now})
	}
}

// update shows what the virtual kubelet has, if the local API server takes it.
func (l *local) update(now time.Time) error {
	if final(l.shown.Phase) {
		return nil
	}
	next := stored(l.kept).Status
	if name := takenBack(l.kept, &l.shown, &next); name != "" {
		return &Frozen{Pod: l.kept.Name, Words: "the local API server refuses it: container " + name + " had ended for good"}
	}
	l.display(next, now)
	return nil
}

func (l *local) running() bool {
	return slices.ContainsFunc(l.shown.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
}

func (l *local) jobID() string {
	if l.kept == nil {
		return ""
	}
	return l.kept.Annotations[wire.AnnotationJobID]
}

// stored is a pod as the local API server has it, which adds to what the virtual
// kubelet says.
func stored(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Status.QOSClass = qos.ComputePodQOS(pod)
	if pod.Status.PodIP != "" {
		pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	}
	return pod
}

// refused is the status of a pod whose create was refused.
func refused(pod *corev1.Pod, why *Refusal, options Options) corev1.PodStatus {
	status := madeUp(corev1.PodFailed, corev1.ConditionFalse, corev1.ConditionFalse, options)
	status.Reason = "ProviderFailed"
	escaped := *why
	escaped.Body = html.EscapeString(why.Body)
	status.Message = escaped.Error()
	failed := func(containers []corev1.Container) (statuses []corev1.ContainerStatus) {
		for _, c := range containers {
			statuses = append(statuses, corev1.ContainerStatus{
				Name: c.Name, Image: c.Image,
				State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
					ExitCode: 1, Reason: status.Reason, Message: status.Message,
				}},
			})
		}
		return statuses
	}
	status.InitContainerStatuses = failed(pod.Spec.InitContainers)
	status.ContainerStatuses = failed(pod.Spec.Containers)
	return status
}
