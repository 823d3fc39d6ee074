package quotawait

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Run creates the pods that wait, until ctx is done. It is called once.
func (w *Waiting) Run(ctx context.Context, creator Creator) {
	var workers sync.WaitGroup
	w.mu.Lock()
	w.start = func(namespace string, wake <-chan struct{}) {
		workers.Go(func() { w.work(ctx, creator, namespace, wake) })
	}
	w.mu.Unlock()
	workers.Go(func() { w.watchQuotas(ctx) })
	w.listMarkers(ctx)
	w.mu.Lock()
	w.start = nil
	w.mu.Unlock()
	workers.Wait()
}

// startWorker starts the worker of a namespace, if it does not run, and returns its channel;
// nil while Run does not run.
func (w *Waiting) startWorker(namespace string) chan<- struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.start == nil {
		return nil
	}
	worker, ok := w.workers[namespace]
	if !ok {
		worker = make(chan struct{}, 1)
		w.workers[namespace] = worker
		w.start(namespace, worker)
		notify(w.first)
	}
	return worker
}

// wake lets the worker of a namespace try its pods at once.
func (w *Waiting) wake(namespace string) { notify(w.startWorker(namespace)) }

func (w *Waiting) paused() bool { return w.options.Paused != nil && w.options.Paused() }

// Resume lets all pods that wait be tried at once, after a pause.
func (w *Waiting) Resume() {
	for _, k := range w.index.keys("") {
		w.wake(k.namespace)
	}
}

func notify(channel chan<- struct{}) {
	select {
	case channel <- struct{}{}:
	default: // it is notified already, or nil
	}
}

// isDone reports whether no pod waits in a namespace any more. The worker of the namespace
// then ends.
func (w *Waiting) isDone(namespace string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.index.keys(namespace)) > 0 {
		return false
	}
	delete(w.workers, namespace)
	delete(w.blocked, namespace)
	return true
}

// round is one or more passes over the pods that wait in a namespace. It ends when each pod was
// tried, or is covered by one that was, and no quota may have counted a pod that does not
// exist any more.
type round struct {
	counted  time.Time // until then, a quota may count a pod that a try has deleted
	refusals []refusal // those because of stored requests: their pods are not tried again in this round
	open     bool      // a pod is to be tried again
}

// work tries the pods that wait in a namespace: when it is woken, and otherwise after a pause,
// which grows while no pod can be created.
func (w *Waiting) work(ctx context.Context, creator Creator, namespace string, woken <-chan struct{}) {
	pause := w.timing.minPause
	var b block
	var r round
	for ctx.Err() == nil && !w.isDone(namespace) {
		next, longer := wait.Jitter(pause, 0.5), min(2*pause, w.timing.pause)
		if r.open {
			next, longer = w.timing.recount, pause
		}
		select {
		case <-ctx.Done():
		case <-woken:
			pause = w.timing.minPause
		case <-time.After(next):
			pause = longer
		}
		if w.tryAll(ctx, creator, namespace, &r) {
			pause = w.timing.minPause
		}
		if !r.open && !w.paused() {
			w.endBlock(ctx, namespace, &b)
		}
		sleep(ctx, w.timing.gap)
	}
}

// tryAll tries the pods that wait in a namespace, the longest waiting first, each at most once. It
// leaves out those that ask for at least as much as one that was refused a moment ago. After a try that has
// deleted its pod again, it waits until the quota mostly does not count that pod any more: otherwise the
// next pod would be refused because of it, and blocks would not be found. If a pod is refused because
// of something else soon after, the round stays open, and the next pass tries that pod again. It reports
// whether a pod waits no more.
func (w *Waiting) tryAll(ctx context.Context, creator Creator, namespace string, r *round) (progress bool) {
	if !r.open {
		r.refusals = nil
	}
	r.open = false
	var refusals []refusal
	for _, k := range w.index.keys(namespace) {
		e, ok := w.index.find(k)
		if !ok || e.settled && w.isKept(&e) || e.ended == "" && !creator.IsDeleted(e.uid) &&
			(isCovered(e.lastRefusal, r.refusals) || isCovered(e.lastRefusal, refusals)) {
			continue
		}
		if ctx.Err() != nil {
			return progress
		}
		err := w.try(ctx, creator, k)
		if errdefs.Is(err, errdefs.OverQuota) {
			refused, ok := refusalOf(err)
			switch {
			case !ok:
			case refused.countsStored(): // by then, the try had created the pod, and has deleted it
				r.refusals = append(r.refusals, refused)
				r.counted = time.Now().Add(w.timing.lateRecount)
				sleep(ctx, w.timing.recount)
			default:
				refusals = append(refusals, refused)
				r.open = r.open || time.Now().Before(r.counted)
			}
		} else if err != nil && ctx.Err() == nil {
			w.log.Warn("a pod that waits for a quota could not be tried", "secret", k.String(), "error", err)
		}
		if _, still := w.index.find(k); !still {
			progress = true
		}
	}
	return progress
}

func isCovered(last refusal, refusals []refusal) bool {
	for _, refused := range refusals {
		if refused.covers(last) {
			return true
		}
	}
	return false
}

// listMarkers lists the markers from time to time: those of an earlier process and of other
// replicas.
func (w *Waiting) listMarkers(ctx context.Context) {
	pause := w.timing.minPause
	for ctx.Err() == nil {
		err := w.list(ctx)
		switch {
		case err == nil:
			pause = w.timing.list
		case errdefs.Is(err, errdefs.Refused):
			if w.options.Accept && pause != w.timing.withoutPermission {
				w.log.Warn("pods do not wait for a full quota: the plugin may not list their markers", "error", err)
			}
			pause = w.timing.withoutPermission
		case ctx.Err() == nil:
			w.log.Warn("the pods that wait for a quota could not be listed, will be retried", "error", err)
			pause = min(2*pause, w.timing.list)
		}
		sleep(ctx, wait.Jitter(pause, 0.2))
	}
}

func (w *Waiting) list(ctx context.Context) error {
	version := w.index.version()
	list, err := w.cluster.ListConfigMaps(ctx, MarkerSelector(w.options.Scope.Instance))
	if err != nil {
		return err
	}
	markers := make(map[key]metav1.Object, len(list))
	namespaces := map[string]bool{}
	for i := range list {
		markers[key{list[i].Namespace, list[i].Name}] = &list[i]
		namespaces[list[i].Namespace] = true
	}
	w.index.replace(markers, version, time.Now())
	for namespace := range namespaces {
		w.wake(namespace)
	}
	return nil
}

// watchQuotas wakes the worker of a namespace when one of its quotas changes. It watches
// only while a pod waits.
func (w *Waiting) watchQuotas(ctx context.Context) {
	pause := w.timing.minPause
	for ctx.Err() == nil {
		if len(w.index.keys("")) == 0 {
			select {
			case <-w.first:
			case <-ctx.Done():
			}
			continue
		}
		watching, stop := context.WithCancel(ctx)
		err := w.cluster.WatchQuotas(watching, func(namespace string) {
			pause = w.timing.minPause
			if len(w.index.keys(namespace)) > 0 {
				w.wake(namespace)
			} else if len(w.index.keys("")) == 0 {
				stop()
			}
		})
		stop()
		switch {
		case errdefs.Is(err, errdefs.Refused):
			if pause != w.timing.withoutPermission {
				w.log.Info("the plugin may not watch resource quotas: it tries pods that wait again and again", "pause", w.timing.pause, "error", err)
			}
			pause = w.timing.withoutPermission
			sleep(ctx, pause)
			continue
		case err != nil && ctx.Err() == nil:
			w.log.Debug("the watch of resource quotas ended", "error", err)
		}
		sleep(ctx, wait.Jitter(pause, 0.5))
		pause = min(2*pause, w.timing.pause)
	}
}

// sleep waits for a time, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
