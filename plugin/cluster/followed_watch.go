package cluster

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
)

// followedWatch passes the events of a watch on to the informer. It ends as if the API server had
// ended it, and the informer opens it again where it was, when it is silent for too long,
// or ends with an error that the informer does not act on.
type followedWatch struct {
	source *podSource
	events watch.Interface
	result chan watch.Event
	stop   sync.Once
	done   chan struct{}
	// list has the pods that the first events name; nil if they do not name all, or have done so.
	list *completeList
}

// ResultChan returns the events.
func (f *followedWatch) ResultChan() <-chan watch.Event { return f.result }

// Stop ends the watch.
func (f *followedWatch) Stop() { f.stop.Do(func() { close(f.done) }) }

func (f *followedWatch) run(ctx context.Context, end context.CancelFunc) {
	opened, quiet := time.Now(), true
	defer close(f.result)
	defer end()
	defer f.events.Stop()
	var silent <-chan time.Time
	timer := time.NewTimer(max(f.source.silence, time.Hour))
	defer timer.Stop()
	if f.source.silence > 0 {
		timer.Reset(f.source.silence)
		silent = timer.C
	}
	for {
		select {
		case event, ok := <-f.events.ResultChan():
			if !ok && quiet {
				f.wait(ctx, shortWatch-time.Since(opened))
			}
			if !ok || !f.look(event) {
				return
			}
			quiet = false
			if f.source.silence > 0 {
				timer.Reset(f.source.silence)
			}
			select {
			case f.result <- event:
			case <-f.done:
				return
			}
		case <-silent:
			f.source.log.Warn("the watch of remote pods is silent; it is opened again", "for", f.source.silence)
			return
		case <-ctx.Done():
			return
		case <-f.done:
			return
		}
	}
}

// wait waits, until the informer stops the watch.
func (f *followedWatch) wait(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-f.done:
	}
}

// look reports whether the informer must see an event.
func (f *followedWatch) look(event watch.Event) bool {
	if event.Type != watch.Error {
		f.source.hear()
		f.source.mu.Lock()
		f.source.expired = 0
		f.source.mu.Unlock()
		if pod, ok := event.Object.(*corev1.Pod); ok && event.Type == watch.Deleted && f.source.gone != nil {
			f.source.gone(pod)
		}
		if f.list != nil && f.list.addEvent(event) {
			f.source.complete(f.list.keys)
			f.list = nil
			f.source.mu.Lock()
			f.source.all = f.source.heard
			f.source.mu.Unlock()
		}
		if f.list == nil {
			f.source.mu.Lock()
			f.source.followed = f.source.heard
			f.source.mu.Unlock()
		}
		return true
	}
	err := apierrors.FromObject(event.Object)
	f.source.failed(err)
	return isForInformer(err)
}
