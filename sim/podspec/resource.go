package podspec

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/resource"
)

// Resource returns a container's limit or request in units of the reference's
// divisor, rounded up. The container is c, or the one that the reference names.
// A request that is not set is 0. A limit that is not set is an error, because a
// kubelet then uses the capacity of its node:
// https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#fallback-information-for-resource-limits
func Resource(pod *corev1.Pod, c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	if ref.ContainerName != "" {
		if c = Container(pod, ref.ContainerName); c == nil {
			return "", fmt.Errorf("pod %s has no container %s", pod.Name, ref.ContainerName)
		}
	}
	if name, isLimit := strings.CutPrefix(ref.Resource, "limits."); isLimit {
		if _, set := c.Resources.Limits[corev1.ResourceName(name)]; !set {
			return "", fmt.Errorf("container %s does not set %s, and the capacity of its node is not known here", c.Name, ref.Resource)
		}
	}
	return resource.ExtractContainerResourceValue(ref, c)
}
