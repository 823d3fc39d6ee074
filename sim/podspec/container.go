package podspec

import (
	"iter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// Container returns a pointer to the pod's container or init container with this
// name, or nil.
func Container(pod *corev1.Pod, name string) *corev1.Container {
	for c := range containers(&pod.Spec) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// IsSidecar reports whether an init container is a native sidecar: it starts in
// turn, but runs as long as the pod:
// https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
func IsSidecar(initContainer *corev1.Container) bool {
	return ptr.Deref(initContainer.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways
}

// containers yields the init containers, then the containers, and whether each is
// an init container.
func containers(spec *corev1.PodSpec) iter.Seq2[*corev1.Container, bool] {
	return func(yield func(c *corev1.Container, isInit bool) bool) {
		for i := range spec.InitContainers {
			if !yield(&spec.InitContainers[i], true) {
				return
			}
		}
		for i := range spec.Containers {
			if !yield(&spec.Containers[i], false) {
				return
			}
		}
	}
}
