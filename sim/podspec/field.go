package podspec

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/fieldpath"
)

// Field returns the value of a downward-API field, as a kubelet gives it to a
// container. A label or annotation that the pod lacks is "". An error means that
// the downward API has no such field:
// https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields
func Field(pod *corev1.Pod, path string) (string, error) {
	switch path {
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.podIP":
		return pod.Status.PodIP, nil
	case "status.podIPs":
		ips := make([]string, len(pod.Status.PodIPs))
		for i, ip := range pod.Status.PodIPs {
			ips[i] = ip.IP
		}
		return strings.Join(ips, ","), nil
	case "status.hostIP":
		return pod.Status.HostIP, nil
	case "status.hostIPs":
		ips := make([]string, len(pod.Status.HostIPs))
		for i, ip := range pod.Status.HostIPs {
			ips[i] = ip.IP
		}
		return strings.Join(ips, ","), nil
	}
	return fieldpath.ExtractFieldPathAsString(pod, path)
}

// LabelKey returns the key in a field path such as metadata.labels['key'].
func LabelKey(path string) (key string, ok bool) { return subscript(path, "metadata.labels") }

// AnnotationKey returns the key in a field path such as metadata.annotations['key'].
func AnnotationKey(path string) (key string, ok bool) {
	return subscript(path, "metadata.annotations")
}

func subscript(path, of string) (string, bool) {
	field, key, ok := fieldpath.SplitMaybeSubscriptedPath(path)
	if !ok || field != of {
		return "", false
	}
	return key, true
}
