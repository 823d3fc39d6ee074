package interlink

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// WithStoredVariables returns the pod as the virtual kubelet keeps it once it has made the body of
// its create. Under SkipDownwardAPIResolution, it resolves the variables of a container in
// its own copy too, unless it has first added a variable to that container (docs/contract.md,
// ENV-19). Status and delete carry that copy.
func WithStoredVariables(pod *corev1.Pod, objects Objects, options Options) *corev1.Pod {
	if !options.SkipDownwardAPIResolution {
		return pod
	}
	pod = pod.DeepCopy()
	v := variables{pod: pod, objects: objects}
	for _, c := range slices.Concat(
		offloaded(pod.Spec.InitContainers, pod.Annotations[wire.AnnotationDisableInitContainers]),
		offloaded(pod.Spec.Containers, pod.Annotations[wire.AnnotationDisableContainers]),
	) {
		sent := c.DeepCopy()
		addAPIVariables(sent, options.KubernetesAPI)
		v.inline(sent)
		if len(sent.Env) == len(c.Env) {
			v.resolveSome(&c) // c has the list of variables in common with the pod
		}
	}
	return pod
}
