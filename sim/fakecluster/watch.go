package fakecluster

import (
	"fmt"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"
)

// watcher is one watch. Events wait in a queue without a bound, so that a slow
// reader neither stops the cluster nor loses any.
type watcher struct {
	filter filter
	result chan watch.Event
	leave  func()

	mu      sync.Mutex
	queue   []watch.Event
	wake    chan struct{}
	stopped chan struct{}
	stop    sync.Once
}

// watch starts a watch: with no resource version (or "0") from what is there,
// else from that version on. One that is no longer remembered is Expired, upon
// which informers list again.
func (c *Cluster) watch(action clienttesting.Action) (bool, watch.Interface, error) {
	a, ok := action.(clienttesting.WatchActionImpl)
	if !ok {
		return true, nil, apierrors.NewInternalError(fmt.Errorf("a watch of type %T is not known", action))
	}
	w := &watcher{
		filter: filter{a.Namespace, a.WatchRestrictions.Labels, a.WatchRestrictions.Fields},
		result: make(chan watch.Event), wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(a.Resource)
	switch text := a.ListOptions.ResourceVersion; text {
	case "", "0":
		for _, o := range t.list(w.filter) {
			w.queue = append(w.queue, watch.Event{Type: watch.Added, Object: o})
		}
	default:
		from, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return true, nil, apierrors.NewBadRequest("invalid resource version " + text)
		}
		if from < t.forgot {
			return true, nil, apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", from, t.forgot))
		}
		for _, e := range t.history {
			if seen, ok := w.filter.seen(e); ok && e.version > from {
				w.queue = append(w.queue, seen)
			}
		}
	}
	t.watchers[w] = struct{}{}
	w.leave = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(t.watchers, w)
	}
	go w.run()
	return true, w, nil
}

func (w *watcher) tell(e event) {
	seen, ok := w.filter.seen(e)
	if !ok {
		return
	}
	w.mu.Lock()
	w.queue = append(w.queue, seen)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run hands the queue to the reader, who may do with the objects what it likes.
func (w *watcher) run() {
	defer close(w.result)
	for {
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		for _, e := range queue {
			e.Object = e.Object.DeepCopyObject()
			select {
			case w.result <- e:
			case <-w.stopped:
				return
			}
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-w.wake:
		case <-w.stopped:
			return
		}
	}
}

// Stop ends the watch.
func (w *watcher) Stop() { w.stop.Do(func() { close(w.stopped); w.leave() }) }

// ResultChan is where the events come from; it is closed at the end.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }
