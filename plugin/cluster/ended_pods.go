package cluster

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// endedPodsKept is how many pods are remembered, and endedBytesKept how many bytes they may
	// have together: most take about a kilobyte, but the termination messages of a pod can have
	// 12 KiB.
	endedPodsKept, endedBytesKept = 10_000, 32 << 20
	// endedPodMemory is how long a pod is remembered. The virtual kubelet asks for each pod
	// every few seconds; so this is how long it may be down.
	endedPodMemory = time.Hour
)

// endedPods remembers the last states of remote pods that had ended when they were deleted,
// by the UIDs of their local pods. Otherwise a pod that succeeds, and that another client
// deletes before its state was asked for, would be lost (docs/contract.md, STATUS-34). The
// memory is limited in number, in bytes and in time, and ends with the process.
type endedPods struct {
	cachedFields func(*corev1.Pod) *corev1.Pod
	// limit is the number of pods, and maxBytes their size, as in endedPodsKept.
	limit, maxBytes int

	mu   sync.Mutex
	pods map[string]endedPod
	// order has the pods, the oldest first, and bytes is their size.
	order []endedPod
	bytes int
}

// endedPod is a pod that does not exist any more.
type endedPod struct {
	uid string // of the local pod
	at  time.Time
	pod *cachedPod
}

func newEndedPods(cachedFields func(*corev1.Pod) *corev1.Pod) *endedPods {
	return &endedPods{cachedFields: cachedFields, limit: endedPodsKept, maxBytes: endedBytesKept, pods: map[string]endedPod{}}
}

// remember remembers a pod that is gone, if it had ended. The informer still has it.
func (e *endedPods) remember(pod *corev1.Pod) {
	uid := pod.Labels[wire.LabelPodUID]
	if uid == "" || pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
		return
	}
	encoded, err := encodePod(e.cachedFields(pod))
	if err != nil {
		return // cannot happen: the cache had the pod
	}
	gone := endedPod{uid, time.Now(), encoded}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pods[uid] = gone
	e.order = append(e.order, gone)
	e.bytes += len(encoded.encoded)
	for len(e.order) > 0 && (len(e.order) > e.limit || e.bytes > e.maxBytes || gone.at.Sub(e.order[0].at) > endedPodMemory) {
		oldest := e.order[0]
		if e.pods[oldest.uid].pod == oldest.pod { // otherwise a later pod of this UID is gone, too
			delete(e.pods, oldest.uid)
		}
		e.bytes -= len(oldest.pod.encoded)
		e.order[0] = endedPod{} // so that the array does not keep it
		e.order = e.order[1:]
	}
}

// find returns a copy of the pod for the UID of a local pod, or nil.
func (e *endedPods) find(uid string) *corev1.Pod {
	e.mu.Lock()
	gone, ok := e.pods[uid]
	e.mu.Unlock()
	if !ok || time.Since(gone.at) > endedPodMemory {
		return nil
	}
	return decodePod(gone.pod)
}
