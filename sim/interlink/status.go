package interlink

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// StatusRequest returns the body of GET /status for a pod as the virtual kubelet
// stores it. The job ID is "" until create was answered.
func StatusRequest(pod *corev1.Pod, jobID string) []*corev1.Pod {
	return []*corev1.Pod{WithJobID(pod, jobID)}
}

// PingRequest returns the body of the ping, which is a GET /status too.
func PingRequest() []*corev1.Pod { return []*corev1.Pod{} }

// WithJobID returns the pod with the annotation for the job ID, or without a
// change if the job ID is "".
func WithJobID(pod *corev1.Pod, jobID string) *corev1.Pod {
	pod = pod.DeepCopy()
	if jobID == "" {
		return pod
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[wire.AnnotationJobID] = jobID
	return pod
}
