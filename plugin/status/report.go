package status

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// report is an answer on its way: the pod's own containers that were offloaded,
// each once, in the local pod's order. Injected ones and native sidecars are not
// among them (rules 1 and 4).
type report struct {
	requested, remote *corev1.Pod
	init, main        []corev1.ContainerStatus
}

func newReport(requested, remote *corev1.Pod) *report {
	r := &report{requested: requested, remote: remote}
	var there []corev1.Container
	if remote != nil {
		there = slices.Concat(remote.Spec.InitContainers, remote.Spec.Containers)
	}
	offloaded := func(c corev1.Container, annotation string) bool {
		if remote != nil {
			return slices.ContainsFunc(there, func(o corev1.Container) bool { return o.Name == c.Name })
		}
		return !slices.Contains(strings.Split(strings.ReplaceAll(requested.Annotations[annotation], " ", ""), ","), c.Name)
	}
	for _, c := range requested.Spec.InitContainers {
		if !podstate.IsSidecar(c) && offloaded(c, wire.AnnotationDisableInitContainers) {
			r.init = append(r.init, r.status(c))
		}
	}
	for _, c := range requested.Spec.Containers {
		if offloaded(c, wire.AnnotationDisableContainers) {
			r.main = append(r.main, r.status(c))
		}
	}
	if len(r.main) == 0 {
		// A pod of which all containers stay local: an empty list would make it
		// Succeeded, at once and for good.
		for _, c := range requested.Spec.Containers {
			r.main = append(r.main, r.status(c))
		}
	}
	return r
}

// lists are both lists of containers, in the order in which they run.
func (r *report) lists() [2][]corev1.ContainerStatus {
	return [2][]corev1.ContainerStatus{r.init, r.main}
}

// status returns a copy of what the remote pod says of a container. Where it
// says nothing yet the container waits, for the reason that the pod gives.
func (r *report) status(c corev1.Container) corev1.ContainerStatus {
	if r.remote == nil {
		return corev1.ContainerStatus{Name: c.Name, Image: c.Image}
	}
	reported := slices.Concat(r.remote.Status.InitContainerStatuses, r.remote.Status.ContainerStatuses)
	i := named(reported, c.Name)
	if i < 0 {
		return corev1.ContainerStatus{Name: c.Name, Image: c.Image, State: r.notYet()}
	}
	s := *reported[i].DeepCopy()
	if s.State == (corev1.ContainerState{}) {
		s.State = r.notYet()
	}
	if w := s.State.Waiting; w != nil && w.Reason == podstate.ReasonInitializing && w.Message == "" {
		w.Message = mesh.WaitMessage(r.remote)
	}
	return s
}

// notYet is the state of a container of which the remote pod says nothing: it
// waits to be scheduled, for the init containers, or to be created.
func (r *report) notYet() corev1.ContainerState {
	if scheduled := r.condition(corev1.PodScheduled); scheduled.Status == corev1.ConditionFalse {
		return waiting(cmp.Or(scheduled.Reason, corev1.PodReasonUnschedulable), scheduled.Message)
	}
	if len(r.remote.Spec.InitContainers) > 0 && r.condition(corev1.PodInitialized).Status != corev1.ConditionTrue {
		return waiting(podstate.ReasonInitializing, cmp.Or(r.remote.Status.Message, mesh.WaitMessage(r.remote)))
	}
	return waiting(podstate.ReasonCreating, r.remote.Status.Message)
}

// condition returns the remote pod's condition of a type, or an empty one.
func (r *report) condition(of corev1.PodConditionType) corev1.PodCondition {
	for _, condition := range r.remote.Status.Conditions {
		if condition.Type == of {
			return condition
		}
	}
	return corev1.PodCondition{}
}

func (r *report) answer(jid string) wire.PodStatus {
	return wire.PodStatus{
		Name: r.requested.Name, UID: string(r.requested.UID), Namespace: r.requested.Namespace, JID: jid,
		Containers:     append([]corev1.ContainerStatus{}, r.main...),
		InitContainers: append([]corev1.ContainerStatus{}, r.init...),
	}
}

// named returns the place of a container in a list, or -1.
func named(list []corev1.ContainerStatus, name string) int {
	return slices.IndexFunc(list, func(s corev1.ContainerStatus) bool { return s.Name == name })
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func terminated(code int32, reason, message string, at metav1.Time) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, Message: message, FinishedAt: at,
	}}
}
