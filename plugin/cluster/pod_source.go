package cluster

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
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
	// shortWatch is how long a watch without an event lasts at least. The informer lists all
	// pods again after shorter ones, and waits longer and longer before it does.
	shortWatch = time.Second + 100*time.Millisecond
)

// podSource lists and watches the offloaded pods for the informer. It repeats what
// fails by itself, and shows the informer only what that must act on: client-go waits up to a
// minute between its own tries, so that the cache would be stale for as long after an
// outage, and not at all after an answer 410.
type podSource struct {
	pods podClient
	log  *slog.Logger
	// gone is called, before the informer learns of it, for each pod that is deleted; nil if
	// nothing needs to know.
	gone func(*corev1.Pod)
	// complete is called, before the informer learns of it, with the pods (namespace/name) of each
	// complete list; nil if nothing needs to know.
	complete func(exist map[string]bool)
	// silence is how long a watch may be without an event; 0 for ever.
	silence time.Duration

	mu sync.Mutex
	// heard is when the API server last said something about pods: a list, an event, or a bookmark.
	heard time.Time
	// followed is like heard, without lists that are not complete yet, and all is when the last list was
	// complete.
	followed, all time.Time
	// current is the list or the watch that was sent last; nil before the first.
	current *podRequest
	// ended is the number of requests in a row that were ended after an outage.
	ended int
	// addresses counts the addresses of the API server; listed is the value of the last list.
	addresses, listed int
	// pages has the pods of the pages that have been listed.
	pages completeList
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
		ctx, end, address := s.begin(ctx)
		defer end(nil)
		list, err := s.pods.List(ctx, options)
		if err := checkList(err, list); err != nil {
			return nil, causeOf(ctx, err)
		}
		s.hear()
		s.mu.Lock()
		s.listed = address
		last := s.pages.addPage(options, list)
		if last {
			s.all, s.followed = s.heard, s.heard
		}
		exist := s.pages.keys
		s.mu.Unlock()
		if last && s.complete != nil {
			s.complete(exist)
		}
		return list, nil
	})
}

// errMoved lets the informer list the pods again.
var errMoved = apierrors.NewResourceExpired("the API server has another address: its resource versions are not comparable")

// watch opens a watch. It ends with ctx, or with an error that the informer acts on.
func (s *podSource) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.LabelSelector = scope.Selector()
	lists := options.SendInitialEvents != nil && *options.SendInitialEvents
	if err := sleep(ctx, s.afterExpired()); err != nil {
		return nil, err
	}
	return repeat(ctx, s, func() (watch.Interface, error) {
		ctx, end, address := s.begin(ctx)
		if !lists && s.hasMoved() {
			end(nil)
			return nil, errMoved
		}
		events, err := s.pods.Watch(ctx, options)
		if err == nil && reflect.TypeOf(events) == emptyWatch {
			err = errdefs.New(errdefs.Unavailable, "the connection broke before the answer")
		}
		if err != nil {
			err = causeOf(ctx, err)
			end(nil)
			return nil, err
		}
		if lists {
			s.mu.Lock()
			s.listed = address
			s.mu.Unlock()
		}
		f := &followedWatch{source: s, events: events, result: make(chan watch.Event), done: make(chan struct{})}
		if lists && s.complete != nil {
			f.list = &completeList{}
			f.list.begin()
		}
		go f.run(ctx, func() { end(nil) })
		return f, nil
	})
}

// emptyWatch is the type of client-go's watch without events, which it returns without an error
// if the connection broke before the answer.
var emptyWatch = reflect.TypeOf(watch.NewEmptyWatch())

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
		if errors.Is(err, errMoved) || isWithoutWatchList(err) {
			return result, err
		}
		s.failed(err)
		if isForInformer(err) {
			return result, err
		}
		if errors.Is(err, errSuspect) { // others are answered
			continue
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

// isWithoutWatchList reports whether the API server is one that does not list in a watch, as those before
// Kubernetes 1.32, and 1.33, do not. This is no failure: the informer then lists without a watch
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists).
func isWithoutWatchList(err error) bool {
	status := apierrors.APIStatus(nil)
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "sendInitialEvents" })
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

// lastFollowed returns when the API server last had listed all pods, and when it last said something about
// pods afterwards.
func (s *podSource) lastFollowed() (listed, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all, s.followed
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
