package cluster

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// PodCounts say how the pods in the pod cache are.
type PodCounts struct {
	// Phases has the number of pods in each phase. A pod without one is Pending, and one with a
	// phase that Kubernetes does not have is Unknown.
	Phases map[corev1.PodPhase]int
	// OldestPending is when the oldest pod was created that is Pending and not being deleted; zero if
	// there is none.
	OldestPending time.Time
	// Overdue is the earliest time at which a pod was to be gone, with its grace period, that is
	// being deleted; zero if there is none. It can be in the future.
	Overdue time.Time
}

// PodPhases are all phases of a pod
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase).
var PodPhases = []corev1.PodPhase{corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed, corev1.PodUnknown}

// CountPods counts the pods in the pod cache. It sends no request and decodes no pod.
func (c *Cluster) CountPods() PodCounts {
	counts := PodCounts{Phases: map[corev1.PodPhase]int{}}
	for _, phase := range PodPhases {
		counts.Phases[phase] = 0
	}
	earliest := func(at *time.Time, seconds int64) {
		if found := time.Unix(seconds, 0); at.IsZero() || found.Before(*at) {
			*at = found
		}
	}
	for _, object := range c.pods.informer.GetIndexer().List() {
		pod, ok := object.(*cachedPod)
		if !ok {
			continue
		}
		phase := pod.phase
		if phase == "" {
			phase = corev1.PodPending
		}
		if _, known := counts.Phases[phase]; !known {
			phase = corev1.PodUnknown
		}
		counts.Phases[phase]++
		switch {
		case pod.deleted != 0:
			earliest(&counts.Overdue, pod.deleted)
		case phase == corev1.PodPending:
			earliest(&counts.OldestPending, pod.created)
		}
	}
	return counts
}
