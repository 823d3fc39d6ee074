package policy

import (
	corev1 "k8s.io/api/core/v1"
)

// podOf returns a pod with a spec.
func podOf(spec corev1.PodSpec) *corev1.Pod { return &corev1.Pod{Spec: spec} }

// containerAlone returns a pod with one container. It keeps what decides whether a check
// applies to the pod at all: its operating system.
func containerAlone(pod *corev1.Pod, c corev1.Container) *corev1.Pod {
	return podOf(corev1.PodSpec{OS: pod.Spec.OS, Containers: []corev1.Container{c}})
}

// contextAlone returns a pod without containers that has a security context.
func contextAlone(pod *corev1.Pod, context *corev1.PodSecurityContext) *corev1.Pod {
	return podOf(corev1.PodSpec{OS: pod.Spec.OS, SecurityContext: context})
}

// each calls visit for each container of a pod, with its path.
func each(pod *corev1.Pod, visit func(path string, c *corev1.Container)) {
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		visit("spec.initContainers["+c.Name+"]", c)
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		visit("spec.containers["+c.Name+"]", c)
	}
	for i := range pod.Spec.EphemeralContainers {
		c := corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		visit("spec.ephemeralContainers["+c.Name+"]", &c)
	}
}

// inContainers returns a field of the security context of each container. take copies that
// field alone; a container without a security context has none of its fields.
func inContainers(pod *corev1.Pod, name, must string, take func(from, to *corev1.SecurityContext)) []field {
	var fields []field
	each(pod, func(path string, c *corev1.Container) {
		alone := corev1.Container{Name: c.Name, SecurityContext: &corev1.SecurityContext{}}
		if c.SecurityContext != nil {
			take(c.SecurityContext, alone.SecurityContext)
		}
		fields = append(fields, field{path + "." + name, must, containerAlone(pod, alone)})
	})
	return fields
}

// inPodAndContainers is inContainers for a field that the security context of the pod has
// too.
func inPodAndContainers(pod *corev1.Pod, name, must string, ofPod func(from, to *corev1.PodSecurityContext), ofContainer func(from, to *corev1.SecurityContext)) []field {
	alone := &corev1.PodSecurityContext{}
	if pod.Spec.SecurityContext != nil {
		ofPod(pod.Spec.SecurityContext, alone)
	}
	fields := []field{{"spec." + name, must, contextAlone(pod, alone)}}
	return append(fields, inContainers(pod, name, must, ofContainer)...)
}

// inherited is inPodAndContainers for a field that a container without it has from the pod.
// The functions report whether the field is set. A container that inherits a wrong value is
// not named: the pod's field is.
func inherited(pod *corev1.Pod, name, must string, ofPod func(from, to *corev1.PodSecurityContext) bool, ofContainer func(from, to *corev1.SecurityContext) bool) []field {
	ofAll := &corev1.PodSecurityContext{}
	podSets := pod.Spec.SecurityContext != nil && ofPod(pod.Spec.SecurityContext, ofAll)
	fields := []field{{"spec." + name, must, contextAlone(pod, ofAll)}}
	each(pod, func(path string, c *corev1.Container) {
		alone := corev1.Container{Name: c.Name, SecurityContext: &corev1.SecurityContext{}}
		sets := c.SecurityContext != nil && ofContainer(c.SecurityContext, alone.SecurityContext)
		if sets || !podSets {
			fields = append(fields, field{path + "." + name, must, containerAlone(pod, alone)})
		}
	})
	return fields
}

// short returns at most 63 characters of a text that a user has written.
func short(s string) string {
	const limit = 63
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "..."
	}
	return s
}
