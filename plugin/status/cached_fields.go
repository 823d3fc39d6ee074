package status

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// cachedLabels and cachedAnnotations are what the plugin reads of a remote pod from
// the cache: its owner, its local pod, the state of its mesh, and the container whose
// logs are meant if a log request names none.
var (
	cachedLabels      = []string{wire.LabelOffloading, wire.LabelPodUID, wire.LabelInstance}
	cachedAnnotations = []string{wire.AnnotationDefaultContainer, wire.AnnotationFinished, wire.AnnotationFailed}
)

// CachedFields returns a copy of a remote pod that has only the fields that the
// plugin reads from its pod cache: those that [Of] and mesh.RequiredAction read, and
// those that identify the pod and its containers. The cache of a cluster with many
// pods needs a fraction of the memory of whole pods. The copy shares memory with pod.
func CachedFields(pod *corev1.Pod) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:              pod.Name,
			Namespace:         pod.Namespace,
			UID:               pod.UID,
			ResourceVersion:   pod.ResourceVersion,
			CreationTimestamp: pod.CreationTimestamp,
			DeletionTimestamp: pod.DeletionTimestamp,
			Labels:            onlyKeys(pod.Labels, cachedLabels),
			Annotations:       onlyKeys(pod.Annotations, cachedAnnotations),
		},
		Spec: corev1.PodSpec{
			NodeName:              pod.Spec.NodeName,
			ActiveDeadlineSeconds: pod.Spec.ActiveDeadlineSeconds,
			RestartPolicy:         pod.Spec.RestartPolicy,
			InitContainers:        cachedContainers(pod.Spec.InitContainers),
			Containers:            cachedContainers(pod.Spec.Containers),
		},
		Status: pod.Status,
	}
}

func cachedContainers(containers []corev1.Container) []corev1.Container {
	cached := make([]corev1.Container, len(containers))
	for i, c := range containers {
		cached[i] = corev1.Container{
			Name: c.Name, Image: c.Image,
			RestartPolicy: c.RestartPolicy, RestartPolicyRules: c.RestartPolicyRules,
		}
	}
	return cached
}

// onlyKeys returns a copy of a map with only the given keys.
func onlyKeys(all map[string]string, keys []string) map[string]string {
	kept := maps.Clone(all)
	maps.DeleteFunc(kept, func(key, _ string) bool { return !slices.Contains(keys, key) })
	return kept
}
