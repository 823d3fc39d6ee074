package plan

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// whyInvalid says why the local API server refuses a pod, or "". It knows what a user gets
// wrong about volumes. A controller that is not read can add the volumes that are missing.
func whyInvalid(pod *workloads.Pod) string {
	var reasons []string
	has := map[string]bool{}
	for _, volume := range pod.Spec.Volumes {
		if has[volume.Name] {
			reasons = append(reasons, fmt.Sprintf("two volumes have the name %s", volume.Name))
		}
		has[volume.Name] = true
	}
	if len(pod.NotRead) == 0 {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			for _, name := range volumesOf(&c) {
				if !has[name] {
					reasons = append(reasons, fmt.Sprintf("container %s mounts volume %s, which the pod does not have", c.Name, name))
				}
			}
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	return "the local API server refuses it: " + strings.Join(errdefs.First(reasons), "; ")
}

// volumesOf returns the names of the volumes that a container uses.
func volumesOf(c *corev1.Container) []string {
	var names []string
	for _, mount := range c.VolumeMounts {
		names = append(names, mount.Name)
	}
	for _, device := range c.VolumeDevices {
		names = append(names, device.Name)
	}
	return names
}
