package load

import (
	"context"
	"errors"
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
		duration := l.meter.measure(callStatus, func() { err = l.kubelet.Poll(ctx) })
		l.countPollErrors(err)
		if ctx.Err() != nil {
			return // the cycle is incomplete, so its duration does not count
		}
		l.meter.addCycle(duration)
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
		switch l.kubelet.Status(podName(i)).Phase {
		case corev1.PodSucceeded, corev1.PodFailed:
		default:
			return false
		}
	}
	return true
}
