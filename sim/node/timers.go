package node

import (
	"container/heap"
	"time"
)

// schedule sets the time of a pod's next transition. The zero time means that there
// is none.
func (w *worker) schedule(pod *managedPod, due time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if pod.heapIndex >= 0 {
		heap.Remove(&w.timers, pod.heapIndex)
	}
	if pod.due = due; !due.IsZero() {
		heap.Push(&w.timers, pod)
	}
}

// timerHeap is a heap of pods: the one with the earliest transition comes first.
type timerHeap []*managedPod

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex, h[j].heapIndex = i, j
}

// Push implements heap.Interface.
func (h *timerHeap) Push(x any) {
	pod := x.(*managedPod)
	pod.heapIndex = len(*h)
	*h = append(*h, pod)
}

// Pop implements heap.Interface.
func (h *timerHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h, last.heapIndex = (*h)[:len(*h)-1], -1
	return last
}
