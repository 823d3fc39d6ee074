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

// report is an answer that is being built. It lists the pod's own containers that were
// offloaded, each once, in the order of the local pod. It does not list injected
// containers and native sidecars (docs/contract.md, STATUS-30 and STATUS-33).
type report struct {
	options           Options
	requested, remote *corev1.Pod
	init, main        []corev1.ContainerStatus
}

func newReport(requested, remote *corev1.Pod) *report {
	r := &report{requested: requested, remote: remote}
	isOffloaded := func(c corev1.Container, disableAnnotation string) bool {
		if remote != nil {
			return hasContainer(remote.Spec.InitContainers, c.Name) || hasContainer(remote.Spec.Containers, c.Name)
		}
		return !slices.Contains(strings.Split(strings.ReplaceAll(requested.Annotations[disableAnnotation], " ", ""), ","), c.Name)
	}
	for _, c := range requested.Spec.InitContainers {
		if !podstate.IsSidecar(c) && isOffloaded(c, wire.AnnotationDisableInitContainers) {
			r.init = append(r.init, r.containerStatus(c))
		}
	}
	for _, c := range requested.Spec.Containers {
		if isOffloaded(c, wire.AnnotationDisableContainers) {
			r.main = append(r.main, r.containerStatus(c))
		}
	}
	if len(r.main) == 0 {
		// All containers of the pod stay local. An empty list would make the pod
		// Succeeded, at once and for good (docs/contract.md, STATUS-12).
		for _, c := range requested.Spec.Containers {
			r.main = append(r.main, r.containerStatus(c))
		}
	}
	return r
}

// hasContainer reports whether a list has a container of a name. It copies no container:
// one is hundreds of bytes, and a call asks for thousands of pods.
func hasContainer(containers []corev1.Container, name string) bool {
	for i := range containers {
		if containers[i].Name == name {
			return true
		}
	}
	return false
}

// lists returns both lists of containers, in the order in which the containers run.
func (r *report) lists() [2][]corev1.ContainerStatus {
	return [2][]corev1.ContainerStatus{r.init, r.main}
}

// containerStatus returns a copy of the remote status of a container. A container
// without a remote status waits, for the reason that the pod gives.
func (r *report) containerStatus(c corev1.Container) corev1.ContainerStatus {
	if r.remote == nil {
		return corev1.ContainerStatus{Name: c.Name, Image: c.Image}
	}
	remote := podstate.Find(r.remote.Status.InitContainerStatuses, c.Name)
	if remote == nil {
		remote = podstate.Find(r.remote.Status.ContainerStatuses, c.Name)
	}
	if remote == nil {
		return corev1.ContainerStatus{Name: c.Name, Image: c.Image, State: r.stateBeforeStart()}
	}
	s := reportedStatus(remote)
	s = *s.DeepCopy()
	if s.State == (corev1.ContainerState{}) {
		s.State = r.stateBeforeStart()
	}
	if w := s.State.Waiting; w != nil && w.Reason == podstate.ReasonInitializing && w.Message == "" {
		w.Message = mesh.WaitMessage(r.remote)
	}
	return s
}

// reportedStatus returns what is reported of a remote container: its state and what
// identifies it. Its resources, mounts and user belong to the remote cluster; the local
// API server refuses the whole status of a pod if they do not fit the local one
// (docs/contract.md, STATUS-28 and STATUS-39). The result shares memory with s.
func reportedStatus(s *corev1.ContainerStatus) corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name: s.Name, Image: s.Image, ImageID: s.ImageID, ContainerID: s.ContainerID,
		State: s.State, LastTerminationState: s.LastTerminationState,
		Ready: s.Ready, Started: s.Started, RestartCount: s.RestartCount,
	}
}

func reportedStatuses(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	return convert(statuses, reportedStatus)
}

// stateBeforeStart returns the state of a container for which the remote pod has no
// state yet: it waits for what the pod needs, for the scheduler, for the init
// containers, or to be created.
func (r *report) stateBeforeStart() corev1.ContainerState {
	if slices.Contains(r.remote.Spec.SchedulingGates, corev1.PodSchedulingGate{Name: wire.GateDependents}) {
		return waiting(corev1.PodReasonSchedulingGated, "the pod starts when the objects that it needs exist in the remote cluster")
	}
	if scheduled := r.condition(corev1.PodScheduled); scheduled.Status == corev1.ConditionFalse {
		return waiting(cmp.Or(scheduled.Reason, corev1.PodReasonUnschedulable), scheduled.Message)
	}
	if len(r.remote.Spec.InitContainers) > 0 && r.condition(corev1.PodInitialized).Status != corev1.ConditionTrue {
		return waiting(podstate.ReasonInitializing, cmp.Or(r.remote.Status.Message, mesh.WaitMessage(r.remote)))
	}
	return waiting(podstate.ReasonCreating, r.remote.Status.Message)
}

// condition returns the remote pod's condition of a type, or an empty condition.
func (r *report) condition(conditionType corev1.PodConditionType) corev1.PodCondition {
	for _, condition := range r.remote.Status.Conditions {
		if condition.Type == conditionType {
			return condition
		}
	}
	return corev1.PodCondition{}
}

// answer returns the report in InterLink's form. Its lists are never null.
func (r *report) answer(jid string) wire.PodStatus {
	return wire.PodStatus{
		Name: r.requested.Name, UID: string(r.requested.UID), Namespace: r.requested.Namespace, JID: jid,
		Containers:     append([]corev1.ContainerStatus{}, r.main...),
		InitContainers: append([]corev1.ContainerStatus{}, r.init...),
	}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func terminated(exitCode int32, reason, message string, finishedAt metav1.Time) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: exitCode, Reason: reason, Message: message, FinishedAt: finishedAt,
	}}
}
