package interlink

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// WithInitialStatus returns the pod with the status that the virtual kubelet gives
// it right before its create.
func WithInitialStatus(pod *corev1.Pod, options Options) *corev1.Pod {
	pod = pod.DeepCopy()
	dropUnknownFields(&pod.Spec)
	initialized := corev1.ConditionTrue
	if len(pod.Spec.InitContainers) > 0 {
		initialized = corev1.ConditionFalse
	}
	pod.Status = NewStatus(corev1.PodPending, initialized, corev1.ConditionTrue, options)
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "Remote pod submitted", Message: "The pod has been submitted to the remote plugin for creation",
			}},
		})
	}
	return pod
}

// NewStatus returns the status of a pod without containers, in the form in which
// the virtual kubelet writes it.
func NewStatus(phase corev1.PodPhase, initialized, scheduled corev1.ConditionStatus, options Options) corev1.PodStatus {
	return corev1.PodStatus{
		Phase: phase, HostIP: options.podIP(), PodIP: options.podIP(), StartTime: ptr.To(options.Now()),
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodInitialized, Status: initialized},
			{Type: corev1.PodReady, Status: corev1.ConditionFalse},
			{Type: corev1.PodScheduled, Status: scheduled},
		},
	}
}
