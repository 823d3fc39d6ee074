package podstate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Find returns the status of a container in a list, or nil.
func Find(statuses []corev1.ContainerStatus, container string) *corev1.ContainerStatus {
	if i := slices.IndexFunc(statuses, func(s corev1.ContainerStatus) bool { return s.Name == container }); i >= 0 {
		return &statuses[i]
	}
	return nil
}
