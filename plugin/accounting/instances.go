package accounting

import (
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// instance is one run of a container: a container that restarts has several.
type instance struct {
	container string
	Interval
	// assumed says that its end was not seen: it ran until End at least, as far as the pod showed.
	assumed bool
}

// unfinished reports whether the end of the run was not seen.
func (i *instance) unfinished() bool { return i.End == open || i.assumed }

// instancesOf returns the runs that a pod shows: of each container the current one, and the one
// before it.
func instancesOf(pod *corev1.Pod) []instance {
	var found []instance
	add := func(name string, start, end metav1.Time) {
		if start.Time.IsZero() { // it has never run, or the kubelet has lost it (ContainerStatusUnknown)
			return
		}
		i := instance{container: name, Interval: Interval{start.Unix(), open}}
		if !end.Time.IsZero() {
			i.End = max(end.Unix(), i.Start)
		}
		found = append(found, i)
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			if t := s.LastTerminationState.Terminated; t != nil && !t.FinishedAt.IsZero() {
				add(s.Name, t.StartedAt, t.FinishedAt)
			}
			if t := s.State.Terminated; t != nil && !t.FinishedAt.IsZero() {
				add(s.Name, t.StartedAt, t.FinishedAt)
			}
			if r := s.State.Running; r != nil {
				add(s.Name, r.StartedAt, metav1.Time{})
			}
		}
	}
	return found
}

// endOf returns when a pod ended that still shows a container that runs: the control plane ends the
// pods of a node that is lost, and leaves the states of their containers as they are. It is zero for
// a pod that has not ended, or does not say when.
func endOf(pod *corev1.Pod) time.Time {
	var end time.Time
	if !ended(pod) {
		return end
	}
	for _, c := range pod.Status.Conditions {
		switch c.Type {
		case corev1.DisruptionTarget, corev1.PodReady, corev1.ContainersReady:
			if c.LastTransitionTime.After(end) {
				end = c.LastTransitionTime.Time
			}
		}
	}
	return end
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Unknown is the namespace of pods that do not say what their local namespace is, and Other that of
// all namespaces for which the ledger has no room. No Kubernetes namespace can have such a name.
const (
	Unknown = "_unknown"
	Other   = "_other"
)

// namespaceOf returns the local namespace of a remote pod.
func namespaceOf(pod *corev1.Pod) string {
	name := pod.Annotations[wire.AnnotationSourceNamespace]
	if len(validation.IsDNS1123Label(name)) > 0 {
		return Unknown
	}
	return name
}

// requestsOf returns what each container requests, and under the empty name what the pod requests as
// a whole: this is used while any container runs, and a container uses its part of it. All are in
// thousandths.
func requestsOf(pod *corev1.Pod) map[string]map[string]int64 {
	result := map[string]map[string]int64{}
	var whole corev1.ResourceList
	if pod.Spec.Resources != nil {
		whole = pod.Spec.Resources.Requests
	}
	add := func(name string, requests corev1.ResourceList) {
		for resource, quantity := range requests {
			if _, ofPod := whole[resource]; ofPod && name != "" {
				continue
			}
			value := quantity.MilliValue()
			if resource != corev1.ResourceCPU { // whole units, as for the scheduler
				value = thousands(quantity.Value())
			}
			if value <= 0 || len(validation.IsQualifiedName(string(resource))) > 0 {
				continue
			}
			if result[name] == nil {
				result[name] = map[string]int64{}
			}
			result[name][string(resource)] = value
		}
	}
	add("", whole)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			add(containers[i].Name, containers[i].Resources.Requests)
		}
	}
	return result
}

// thousands returns n * 1000, or the largest number if that is larger: no node has 9 PB.
func thousands(n int64) int64 {
	if n > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return n * 1000
}
