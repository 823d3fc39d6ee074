package interlink

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// LogRequest returns the body of GET /getLogs for one container of a pod.
func LogRequest(pod *corev1.Pod, container string, opts wire.LogOpts) wire.LogRequest {
	return wire.LogRequest{
		Namespace: pod.Namespace, PodUID: string(pod.UID), PodName: pod.Name, ContainerName: container, Opts: opts,
	}
}
