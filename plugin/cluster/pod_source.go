package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

const (
	// watchSilence is how long a watch may be without an event. An API server sends a
	// bookmark every minute.
	watchSilence = 90 * time.Second
	// suspectAfter is how long a watch must be without an event to be opened again when
	// the API server answers after an outage.
	suspectAfter = 15 * time.Second
)

// podSource lists and watches the offloaded pods for the informer. It repeats what
// fails by itself, and shows the informer only what that must act on: client-go waits up to a
// minute between its own tries, so that the cache would be stale for as long after an
// outage, and not at all after an answer 410.
type podSource struct {
	pods podClient
	log  *slog.Logger
	// silence is how long a watch may be without an event; 0 for ever.
	silence time.Duration

	mu sync.Mutex
	// heard is when the API server last said something about pods: a list, an event, or a bookmark.
	heard time.Time
	// opened is when the watch was opened, and end ends it; nil without a watch.
	opened time.Time
	end    context.CancelFunc
	// expired is the number of watches in a row that ended with 410 and without an event.
	expired int
	// failing is true after a failure, until a list or watch succeeds.
	failing bool
}

// podClient is what podSource needs of client-go.
type podClient interface {
	List(ctx context.Context, options metav1.ListOptions) (*corev1.PodList, error)
	Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

// list lists the pods. It ends with ctx, or with an error that the informer acts on.
func (s *podSource) list(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	options.LabelSelector = scope.Selector()
	return repeat(ctx, s, func() (runtime.Object, error) {
		list, err := s.pods.List(ctx, options)
		if err := checkList(err, list); err != nil {
			return nil, err
		}
		s.hear()
		return list, nil
	})
}

// watch opens a watch. It ends with ctx, or with an error that the informer acts on.
func (s *podSource) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.LabelSelector = scope.Selector()
	if err := sleep(ctx, s.afterExpired()); err != nil {
		return nil, err
	}
	return repeat(ctx, s, func() (watch.Interface, error) {
		ctx, end := context.WithCancel(ctx)
		s.mu.Lock()
		s.opened, s.end = time.Now(), end
		s.mu.Unlock()
		events, err := s.pods.Watch(ctx, options)
		if err != nil {
			end()
			return nil, err
		}
		f := &followedWatch{source: s, events: events, result: make(chan watch.Event), done: make(chan struct{})}
		go f.run(ctx, end)
		return f, nil
	})
}

// repeat calls try until it succeeds, fails in a way that the informer acts on, or ctx is
// done.
func repeat[T any](ctx context.Context, s *podSource, try func() (T, error)) (T, error) {
	pause := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: time.Second}
	for {
		result, err := try()
		switch {
		case err == nil:
			s.succeeded()
			return result, nil
		case ctx.Err() != nil:
			return result, ctx.Err()
		}
		s.failed(err)
		if isForInformer(err) {
			return result, err
		}
		after := pause.Step()
		if kube.Kind(err) == errdefs.Refused {
			after *= 5 // the API server is there, and somebody must act
		}
		if err := sleep(ctx, after); err != nil {
			return result, err
		}
	}
}

// isForInformer reports whether the informer acts on an error: it lists the pods again, or it
// lists them instead of letting a watch do it.
func isForInformer(err error) bool {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge) {
		return true
	}
	kind := kube.Kind(err)
	return kind == errdefs.Invalid || kind == errdefs.Internal
}

// afterExpired returns the pause before the next watch: none, until an API server answers 410 to
// one watch after the other.
func (s *podSource) afterExpired() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expired < 2 {
		return 0
	}
	pause := min(500*time.Millisecond<<min(s.expired-2, 10), 30*time.Second)
	return wait.Jitter(pause, 0.5)
}

func (s *podSource) failed(err error) {
	s.mu.Lock()
	first := !s.failing
	s.failing = true
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		s.expired++
	}
	s.mu.Unlock()
	if first {
		s.log.Warn("the watch of remote pods ended with an error; the pod cache keeps the last known state until the watch is restored", "error", err)
	}
}

func (s *podSource) succeeded() {
	s.mu.Lock()
	was := s.failing
	s.failing = false
	s.mu.Unlock()
	if was {
		s.log.Info("the watch of remote pods is restored")
	}
}

func (s *podSource) hear() {
	s.mu.Lock()
	s.heard = time.Now()
	s.mu.Unlock()
}

// lastHeard returns when the API server last said something about pods.
func (s *podSource) lastHeard() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// restart ends the watch if it could be a dead one. The informer opens it again.
func (s *podSource) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil && time.Since(s.opened) > suspectAfter && time.Since(s.heard) > suspectAfter {
		s.end()
	}
}

// reopen ends the watch. The informer opens it again.
func (s *podSource) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		s.end()
	}
}

// followedWatch passes the events of a watch on to the informer. It ends as if the API server had
// ended it, and the informer opens it again where it was, when it is silent for too long,
// or ends with an error that the informer does not act on.
type followedWatch struct {
	source *podSource
	events watch.Interface
	result chan watch.Event
	stop   sync.Once
	done   chan struct{}
}

// ResultChan returns the events.
func (f *followedWatch) ResultChan() <-chan watch.Event { return f.result }

// Stop ends the watch.
func (f *followedWatch) Stop() { f.stop.Do(func() { close(f.done) }) }

func (f *followedWatch) run(ctx context.Context, end context.CancelFunc) {
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
			if !ok || !f.look(event) {
				return
			}
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

// look reports whether the informer must see an event.
func (f *followedWatch) look(event watch.Event) bool {
	if event.Type != watch.Error {
		f.source.hear()
		f.source.mu.Lock()
		f.source.expired = 0
		f.source.mu.Unlock()
		return true
	}
	err := apierrors.FromObject(event.Object)
	f.source.failed(err)
	return isForInformer(err)
}

// sleep waits. It returns the error of ctx if that ends first.
func sleep(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
