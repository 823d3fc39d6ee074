package load

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// poll runs polling cycles until all pods are created and have ended, the virtual
// kubelet panics, or ctx ends.
func (l *loadTest) poll(ctx context.Context, allCreated <-chan struct{}) {
	for {
		last := false
		select {
		case <-allCreated:
			last = true
		default:
		}
		var err error
		begun, polled := time.Now(), l.polled()
		duration := l.meter.measure(callStatus, func() { err = l.kubelet.Poll(ctx) })
		l.countPollErrors(err)
		if ctx.Err() != nil {
			return // the cycle is incomplete, so its duration does not count
		}
		l.meter.addCycle(duration)
		l.countViews(polled, begun, err)
		if errors.As(err, new(*virtualkubelet.Panic)) || last && l.allEnded() {
			return
		}
		select {
		case <-time.After(l.options.Interval):
		case <-ctx.Done():
			return
		}
	}
}

// polled returns the pods that the next cycle asks for, and whose create was answered.
func (l *loadTest) polled() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.shown))
}

// countViews measures for each pod how old its state in the local cluster was when a cycle
// replaced it, and counts the answers that left a pod out. It knows only the beginning and the
// end of a cycle, so an age is the largest that is possible.
func (l *loadTest) countViews(polled []string, begun time.Time, err error) {
	unchanged := map[string]bool{}
	for _, stale := range staleStatuses(err) {
		unchanged[stale.Pod] = true
		if stale.Rule == "STATUS-11" && stale.Created {
			l.meter.countLeftOut(stale.UID)
		}
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pod := range polled {
		if unchanged[pod] {
			continue
		}
		l.meter.addAge(now.Sub(l.shown[pod]))
		l.shown[pod] = begun
		if ended(l.kubelet.Status(pod).Phase) {
			delete(l.shown, pod) // it is not asked for any more
		}
	}
}

// staleStatuses returns the errors of a polling cycle that left a pod as it was.
func staleStatuses(err error) []*virtualkubelet.StaleStatus {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var all []*virtualkubelet.StaleStatus
	for _, err := range joined.Unwrap() {
		if stale := (*virtualkubelet.StaleStatus)(nil); errors.As(err, &stale) {
			all = append(all, stale)
		}
	}
	return all
}

// countPollErrors counts each of the errors that a polling cycle joins. It ignores the
// error of a context that ended.
func (l *loadTest) countPollErrors(err error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return
	}
	for _, err := range joined.Unwrap() {
		var stale *virtualkubelet.StaleStatus
		var panicked *virtualkubelet.Panic
		switch {
		case errors.As(err, &stale):
			l.countError(callStatus, stale.Pod, err)
		case errors.As(err, &panicked):
			l.countError(callStatus, panicked.Pod, err)
		}
	}
}

func (l *loadTest) allEnded() bool {
	for i := range l.options.Pods {
		if !ended(l.kubelet.Status(podName(l.first + i)).Phase) {
			return false
		}
	}
	return true
}

func ended(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}
