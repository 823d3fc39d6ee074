package fakecluster

import (
	"fmt"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"
)

// watcher is one watch. Its queue has no limit, so that a slow reader neither blocks
// the cluster nor loses events.
type watcher struct {
	filter     filter
	result     chan watch.Event
	unregister func()

	mu      sync.Mutex
	queue   []watch.Event
	wake    chan struct{}
	stopped chan struct{}
	stop    sync.Once
}

// watch starts a watch. Without a resource version (or with "0") it starts with the
// existing objects, else with the changes after that version. If the history no longer
// holds that version, the error is Expired, and informers list again.
func (c *Cluster) watch(action clienttesting.Action) (bool, watch.Interface, error) {
	a, ok := action.(clienttesting.WatchActionImpl)
	if !ok {
		return true, nil, apierrors.NewInternalError(fmt.Errorf("a watch of type %T is not supported", action))
	}
	w := &watcher{
		filter: filter{a.Namespace, a.WatchRestrictions.Labels, a.WatchRestrictions.Fields},
		result: make(chan watch.Event), wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.store(a.Resource)
	switch text := a.ListOptions.ResourceVersion; text {
	case "", "0":
		for _, o := range s.list(w.filter) {
			w.queue = append(w.queue, watch.Event{Type: watch.Added, Object: o})
		}
	default:
		from, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return true, nil, apierrors.NewBadRequest("invalid resource version " + text)
		}
		if from < s.droppedVersion {
			return true, nil, apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", from, s.droppedVersion))
		}
		for _, past := range s.history {
			if event, ok := w.filter.event(past); ok && past.version > from {
				w.queue = append(w.queue, event)
			}
		}
	}
	s.watchers[w] = struct{}{}
	w.unregister = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(s.watchers, w)
	}
	go w.run()
	return true, w, nil
}

// event returns the event that a watch with this filter sees for a change, false if
// it sees none. For the watch, an object is added when it begins to match the filter
// and deleted when it no longer matches.
func (f filter) event(write change) (watch.Event, bool) {
	matched, matches := f.matches(write.old), f.matches(write.new)
	switch {
	case matches && matched:
		return watch.Event{Type: watch.Modified, Object: write.new}, true
	case matches:
		return watch.Event{Type: watch.Added, Object: write.new}, true
	case matched && write.deleted == nil: // a field no longer matches
		return watch.Event{Type: watch.Deleted, Object: write.new}, true
	case matched:
		return watch.Event{Type: watch.Deleted, Object: write.deleted}, true
	}
	return watch.Event{}, false
}

func (w *watcher) enqueue(write change) {
	event, ok := w.filter.event(write)
	if !ok {
		return
	}
	w.mu.Lock()
	w.queue = append(w.queue, event)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run sends the queued events to the reader. Each event holds a copy of its object,
// because the reader may modify it.
func (w *watcher) run() {
	defer close(w.result)
	for {
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		for _, event := range queue {
			event.Object = event.Object.DeepCopyObject()
			select {
			case w.result <- event:
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
func (w *watcher) Stop() { w.stop.Do(func() { close(w.stopped); w.unregister() }) }

// ResultChan returns the channel of events. It is closed when the watch ends.
func (w *watcher) ResultChan() <-chan watch.Event { return w.result }
