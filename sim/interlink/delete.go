package interlink

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// DeleteRequest returns the body of POST /delete. InterLink sends that of a running
// pod at the start of its grace period, and that of any other pod after the local
// API server has removed it.
func DeleteRequest(pod *corev1.Pod, running bool, now time.Time) *corev1.Pod {
	pod = pod.DeepCopy()
	deleted := metav1.NewTime(now).Rfc3339Copy()
	if running {
		grace := ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
		pod.DeletionTimestamp = ptr.To(metav1.NewTime(deleted.Add(time.Duration(grace) * time.Second)))
		pod.DeletionGracePeriodSeconds = &grace
		pod.Generation++
	}
	// The virtual kubelet reports this before any remote container has ended.
	pod.Status.Reason = "VKProviderPodDeleted"
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			statuses[i].Ready = false
			statuses[i].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				Reason: "VKProviderPodContainerDeleted", Message: "VK provider terminated container upon deletion", FinishedAt: deleted,
			}}
		}
	}
	return pod
}
