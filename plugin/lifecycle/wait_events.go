package lifecycle

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

const (
	// eventsAfter is how long a remote pod waits before its events are looked up: most pods
	// start before, and cost nothing.
	eventsAfter = 15 * time.Second
	// eventsEvery is the pause between two looks at the events of one pod.
	eventsEvery = time.Minute
	// eventsRefusedFor is the pause after an answer that the plugin may not list the events of a
	// namespace.
	eventsRefusedFor = 10 * time.Minute
	// eventsForgotten is how long a pod is remembered about which nothing asks.
	eventsForgotten = 5 * time.Minute
	// eventsTimeout limits one look at events.
	eventsTimeout = 10 * time.Second
	// eventWorkers is the number of requests at the same time. An API server reads events from
	// its storage, and not from a cache: a site with thousands of pods that wait gets them later.
	eventWorkers = 2
	// maxEventPods limits the pods that are remembered, and maxEventQueue those that are to be
	// looked at. A pod without a place is tried again when its status is asked for.
	maxEventPods, maxEventQueue = 10_000, 1_000
	// maxRefused limits the namespaces that are remembered whose events may not be listed. In
	// others, each pod that waits costs a request a minute.
	maxRefused = 10_000
)

// waitEvents looks up, in the background, the events of remote pods that wait
// (docs/contract.md, STATUS-44). A status call never waits for it.
type waitEvents struct {
	list  func(context.Context, *corev1.Pod) ([]corev1.Event, error)
	log   *slog.Logger
	after time.Duration

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	pods   map[types.UID]*waitingPod
	queue  []*corev1.Pod // what status.WaitEvent needs of them
	// workers is the number of goroutines that look up events.
	workers int
	// refused has the namespaces whose events the plugin may not list, and when it was last told
	// so; told is whether the log says so.
	refused map[string]time.Time
	told    bool
	pruned  time.Time
}

// waitingPod is a remote pod that waits.
type waitingPod struct {
	// since is when it was first asked about, asked when last, and looked when its events were
	// last looked up.
	since, asked, looked time.Time
	queued               bool
	event                string
}

func newWaitEvents(list func(context.Context, *corev1.Pod) ([]corev1.Event, error), log *slog.Logger) *waitEvents {
	w := &waitEvents{list: list, log: log, after: eventsAfter, pods: map[types.UID]*waitingPod{}, refused: map[string]time.Time{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// of returns what is known from the events of a remote pod that waits, and sees to it that more
// is known next time. It returns at once.
func (w *waitEvents) of(remote *corev1.Pod) string {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prune(now)
	pod := w.pods[remote.UID]
	if pod == nil {
		if len(w.pods) >= maxEventPods {
			return ""
		}
		pod = &waitingPod{since: now}
		w.pods[remote.UID] = pod
	}
	pod.asked = now
	switch {
	case w.closed, pod.queued, len(w.queue) >= maxEventQueue, now.Sub(pod.since) < w.after,
		!pod.looked.IsZero() && now.Sub(pod.looked) < eventsEvery, w.isRefused(remote.Namespace, now):
		return pod.event
	}
	pod.queued = true
	w.queue = append(w.queue, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: remote.Namespace, Name: remote.Name, UID: remote.UID}})
	if w.workers < eventWorkers {
		w.workers++
		w.running.Go(w.work)
	}
	return pod.event
}

// isRefused reports whether the plugin was told lately that it may not list the events of a
// namespace. The caller holds mu.
func (w *waitEvents) isRefused(namespace string, now time.Time) bool {
	at, ok := w.refused[namespace]
	return ok && now.Sub(at) < eventsRefusedFor
}

// prune forgets the pods about which nothing asks any more, and the refusals that do not count
// any more. The caller holds mu.
func (w *waitEvents) prune(now time.Time) {
	if now.Sub(w.pruned) < eventsForgotten {
		return
	}
	w.pruned = now
	for uid, pod := range w.pods {
		if now.Sub(pod.asked) > eventsForgotten {
			delete(w.pods, uid)
		}
	}
	for namespace := range w.refused {
		if !w.isRefused(namespace, now) {
			delete(w.refused, namespace)
		}
	}
}

// work looks up the events of one pod after the other, until none is left.
func (w *waitEvents) work() {
	for {
		remote := w.next()
		if remote == nil {
			return
		}
		ctx, cancel := context.WithTimeout(w.ctx, eventsTimeout)
		events, err := w.list(ctx, remote)
		cancel()
		w.done(remote, events, err)
	}
}

// next returns a pod whose events are to be looked up. It returns nil if there is none; then
// the worker ends.
func (w *waitEvents) next() *corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.queue) == 0 {
		w.workers--
		return nil
	}
	remote := w.queue[0]
	w.queue = w.queue[1:]
	return remote
}

// done records the events of a pod.
func (w *waitEvents) done(remote *corev1.Pod, events []corev1.Event, err error) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	pod := w.pods[remote.UID]
	if pod == nil { // forgotten meanwhile
		pod = &waitingPod{}
	}
	pod.queued, pod.looked = false, now
	switch {
	case err == nil:
		pod.event = status.WaitEvent(remote, events)
	case w.closed:
	case errdefs.Is(err, errdefs.Refused):
		w.refuse(remote.Namespace, now)
		if !w.told {
			w.told = true
			w.log.Info("users are not told what the events of their pods say: the plugin may not list them", "namespace", remote.Namespace, "error", err)
		}
	default: // the last known event stays
		w.log.Debug("the events of a pod that waits are not known", "remote", remote.Namespace+"/"+remote.Name, "error", err)
	}
}

// refuse remembers that the events of a namespace may not be listed, and forgets which of its
// pods are to be looked at. The caller holds mu.
func (w *waitEvents) refuse(namespace string, now time.Time) {
	if _, known := w.refused[namespace]; !known && len(w.refused) >= maxRefused {
		return
	}
	w.refused[namespace] = now
	w.queue = slices.DeleteFunc(w.queue, func(remote *corev1.Pod) bool {
		if remote.Namespace != namespace {
			return false
		}
		if pod := w.pods[remote.UID]; pod != nil {
			pod.queued = false
		}
		return true
	})
}

// close ends the requests, and waits until nothing runs any more.
func (w *waitEvents) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stop()
	w.running.Wait()
}
