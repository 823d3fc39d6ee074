package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// cachedLabels and cachedAnnotations are what the plugin reads of a remote pod from
// the cache: its owner, its local pod, the objects that it owns, whether an earlier version
// created it, what could not be carried over, the state of its mesh, whether its create request was stored, the container
// whose logs are meant if a log request names none, whether its virtual node asks
// about it, its claims, and what its local pod is called, for people and for accounting.
var (
	cachedLabels      = []string{wire.LabelOffloading, wire.LabelPodUID, wire.LabelInstance, wire.LabelAttempt}
	cachedAnnotations = []string{wire.AnnotationOwned, wire.AnnotationWarnings, wire.AnnotationDefaultContainer, wire.AnnotationLogContainer, wire.AnnotationFinished, wire.AnnotationFailed,
		wire.AnnotationFromStoredRequest, wire.AnnotationSourceNode, wire.AnnotationUnaskedSince, wire.AnnotationClaims, wire.AnnotationSourceNamespace, wire.AnnotationSourceName}
)

// CachedFields returns a copy of a remote pod that has only the fields that the
// plugin reads from its pod cache: those that [Of] and mesh.RequiredAction read, and
// those that identify the pod, its containers, its node, the resources that it requests, and
// the objects that it owns. The cache
// of a cluster with many pods needs a fraction of the memory of whole pods. The copy
// shares memory with pod.
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

			DeletionGracePeriodSeconds: pod.DeletionGracePeriodSeconds,
			Finalizers:                 pod.Finalizers,
		},
		Spec: corev1.PodSpec{
			NodeName:              pod.Spec.NodeName,
			ActiveDeadlineSeconds: pod.Spec.ActiveDeadlineSeconds,
			RestartPolicy:         pod.Spec.RestartPolicy,
			Resources:             requestsOfPod(pod.Spec.Resources),

			TerminationGracePeriodSeconds: pod.Spec.TerminationGracePeriodSeconds,
			SchedulingGates:               pod.Spec.SchedulingGates,
			InitContainers:                cachedContainers(pod.Spec.InitContainers),
			Containers:                    cachedContainers(pod.Spec.Containers),
		},
		Status: corev1.PodStatus{
			Phase:                 pod.Status.Phase,
			StartTime:             pod.Status.StartTime,
			Reason:                pod.Status.Reason,
			Message:               pod.Status.Message,
			Conditions:            cachedConditions(pod.Status.Conditions),
			InitContainerStatuses: reportedStatuses(pod.Status.InitContainerStatuses),
			ContainerStatuses:     reportedStatuses(pod.Status.ContainerStatuses),
		},
	}
}

func cachedContainers(containers []corev1.Container) []corev1.Container {
	return convert(containers, func(c *corev1.Container) corev1.Container {
		return corev1.Container{
			Name: c.Name, RestartPolicy: c.RestartPolicy, RestartPolicyRules: c.RestartPolicyRules,
			Resources: corev1.ResourceRequirements{Requests: c.Resources.Requests},
		}
	})
}

// requestsOfPod returns the requests of the resources of a pod as a whole, or nil.
func requestsOfPod(resources *corev1.ResourceRequirements) *corev1.ResourceRequirements {
	if resources == nil || len(resources.Requests) == 0 {
		return nil
	}
	return &corev1.ResourceRequirements{Requests: resources.Requests}
}

func cachedConditions(conditions []corev1.PodCondition) []corev1.PodCondition {
	return convert(conditions, func(c *corev1.PodCondition) corev1.PodCondition {
		return corev1.PodCondition{
			Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message, LastTransitionTime: c.LastTransitionTime,
		}
	})
}

// convert returns a list of the same length with each element converted; nil for an
// empty list.
func convert[T any](list []T, element func(*T) T) []T {
	if len(list) == 0 {
		return nil
	}
	converted := make([]T, len(list))
	for i := range list {
		converted[i] = element(&list[i])
	}
	return converted
}

// onlyKeys returns a copy of a map with only the given keys, or nil.
func onlyKeys(all map[string]string, keys []string) map[string]string {
	var kept map[string]string
	for _, key := range keys {
		if value, ok := all[key]; ok {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[key] = value
		}
	}
	return kept
}
