package node

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// retryInterval is the time after which a worker repeats a write that failed, in the
// time of the clock.
const retryInterval = time.Second

// podEvent is one event of the informer.
type podEvent struct {
	pod     *corev1.Pod
	deleted bool
}

// worker simulates some of the pods, one at a time.
type worker struct {
	nodes *Nodes
	wake  chan struct{}
	pods  map[types.UID]*managedPod // only the goroutine of run uses it

	mu       sync.Mutex
	queue    []podEvent
	timers   timerHeap
	busy     bool
	versions map[types.UID]string // the latest resource version that the worker has seen
}

// managedPod is the state machine of a pod, with the writes that the API server has
// not accepted yet.
type managedPod struct {
	*podState
	key           types.NamespacedName
	uid           types.UID
	pending       sideEffects
	writtenStatus corev1.PodStatus
	due           time.Time // the next transition
	heapIndex     int       // the position in the timers, -1 if it is not there
}

func newWorker(n *Nodes) *worker {
	return &worker{nodes: n, wake: make(chan struct{}, 1), pods: map[types.UID]*managedPod{}, versions: map[types.UID]string{}}
}

func (w *worker) enqueue(event podEvent) {
	w.mu.Lock()
	w.queue = append(w.queue, event)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) nextTransition() (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.queue) > 0:
		return w.nodes.options.Clock.Now(), true
	case len(w.timers) > 0:
		return w.timers[0].due, true
	}
	return time.Time{}, false
}

// upToDate returns the number of this worker's pods, and whether the worker is idle
// and has seen each of them in the given resource version.
func (w *worker) upToDate(pods map[types.UID]string) (int, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.idle() {
		return 0, false
	}
	for uid, version := range w.versions {
		if pods[uid] != version {
			return 0, false
		}
	}
	return len(w.versions), true
}

// idle reports whether the worker has nothing to do now. The caller holds mu.
func (w *worker) idle() bool {
	return !w.busy && len(w.queue) == 0 && (len(w.timers) == 0 || w.timers[0].due.After(w.nodes.options.Clock.Now()))
}

func (w *worker) run(ctx context.Context) {
	clock := w.nodes.options.Clock
	for ctx.Err() == nil {
		w.mu.Lock()
		queue := w.queue
		w.queue, w.busy = nil, true
		w.mu.Unlock()
		for _, event := range queue {
			w.handle(ctx, event)
		}
		var timer <-chan time.Time
		w.mu.Lock()
		var duePod *managedPod
		if len(w.timers) > 0 {
			due := w.timers[0].due
			if wait := due.Sub(clock.Now()); wait > 0 {
				timer = clock.After(wait)
			}
			// Looked at after the timer has started: a virtual clock may jump in between, and
			// the timer would then end too late.
			if !due.After(clock.Now()) {
				duePod = w.timers[0]
			}
		}
		w.busy = duePod != nil
		w.mu.Unlock()
		if duePod != nil {
			w.advance(ctx, duePod)
			continue
		}
		select {
		case <-timer:
		case <-w.wake:
		case <-ctx.Done():
		}
	}
}

func (w *worker) handle(ctx context.Context, event podEvent) {
	now, pod := w.nodes.options.Clock.Now(), w.pods[event.pod.UID]
	if event.deleted {
		w.mu.Lock()
		delete(w.versions, event.pod.UID)
		w.mu.Unlock()
		if pod != nil {
			w.forget(pod)
		}
		return
	}
	behavior, simulated := w.nodes.options.Behavior(event.pod)
	if !simulated {
		return
	}
	w.mu.Lock()
	w.versions[event.pod.UID] = event.pod.ResourceVersion
	w.mu.Unlock()
	if pod == nil {
		// A pod that ended before these nodes ran does not change.
		if event.pod.Status.Phase == corev1.PodSucceeded || event.pod.Status.Phase == corev1.PodFailed {
			return
		}
		pod = &managedPod{
			podState: newPodState(event.pod.DeepCopy(), behavior, now), uid: event.pod.UID, heapIndex: -1,
			key: types.NamespacedName{Namespace: event.pod.Namespace, Name: event.pod.Name},
		}
		pod.take = func(sources inspect.Sources) (*inspect.Snapshot, error) {
			return inspect.TakeSources(ctx, w.nodes.options.Client, pod.key.Namespace, sources)
		}
		pod.reportAbsent = w.nodes.options.Absent
		w.pods[pod.uid] = pod
		w.advance(ctx, pod)
	}
	if pod.update(now, event.pod) {
		w.advance(ctx, pod)
	}
	if event.pod.DeletionTimestamp != nil && pod.nodeLostAt.IsZero() {
		pod.terminate(now, time.Duration(ptr.Deref(event.pod.DeletionGracePeriodSeconds, 0))*time.Second)
		w.advance(ctx, pod)
	}
}

// forget removes a pod that the API server no longer has.
func (w *worker) forget(pod *managedPod) {
	delete(w.pods, pod.uid)
	w.nodes.logs.forget(pod.key)
	w.schedule(pod, time.Time{})
}

// advance performs the transitions of a pod that are due, first in its state machine
// and its logs, then on the API server.
func (w *worker) advance(ctx context.Context, pod *managedPod) {
	now := w.nodes.options.Clock.Now()
	status, effects, due := pod.advance(now)
	for _, run := range effects.runs {
		w.nodes.logs.startRun(pod.key, run)
	}
	for _, c := range pod.containers() {
		if c.state != running {
			w.nodes.logs.endRun(pod.key, c.spec.Name)
		}
	}
	pod.pending.bind = pod.pending.bind || effects.bind
	pod.pending.delete = pod.pending.delete || effects.delete
	pod.pending.forceDelete = pod.pending.forceDelete || effects.forceDelete
	switch err := w.write(ctx, pod, status); {
	case err == nil:
		w.schedule(pod, due)
	case apierrors.IsNotFound(err):
		w.forget(pod)
	case ctx.Err() == nil:
		w.nodes.options.Log.Warn("A simulated node could not write a pod; it retries", "pod", pod.key.String(), "error", err)
		w.schedule(pod, now.Add(retryInterval))
	}
}
