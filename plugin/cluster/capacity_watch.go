package cluster

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Reduced keeps all objects of a kind, also those that are not the plugin's, each reduced to what its
// reader needs. A watch keeps it up to date. While that fails, it keeps the last known
// state. Its methods are safe for concurrent use.
type Reduced[T any] struct {
	informer cache.SharedIndexInformer
	kind     string
	log      *slog.Logger
	// silence is how long a watch may be without an event; 0 for ever.
	silence time.Duration
	// moved returns how many addresses the API server has had.
	moved func() int64

	mu sync.Mutex
	// heard is when the API server last said something about the objects.
	heard time.Time
	// failing is true after a failure, until a watch is open; listed is the number of addresses
	// at the last list.
	failing bool
	listed  int64
}

// reducedObject is an object as the informer keeps it: ObjectMeta has only what that reads.
type reducedObject[T any] struct {
	metav1.ObjectMeta
	value T
}

// kindSource lists and watches the objects of a kind.
type kindSource struct {
	kind  string
	empty runtime.Object
	list  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// ReduceNodes keeps the nodes of the remote cluster. changed is called after each change of a
// value; it must not wait. The account needs list and watch of nodes ([CapacityPermissions]).
func ReduceNodes[T any](c *Cluster, reduce func(*corev1.Node) T, changed func(), log *slog.Logger) (*Reduced[T], error) {
	nodes := c.client.CoreV1().Nodes()
	return newReduced(c, kindSource{
		"nodes", &corev1.Node{},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return nodes.List(ctx, o) },
		nodes.Watch,
	}, reduce, changed, log)
}

// ReducePods is [ReduceNodes] for the pods of a namespace, or of all for "".
func ReducePods[T any](c *Cluster, namespace string, reduce func(*corev1.Pod) T, changed func(), log *slog.Logger) (*Reduced[T], error) {
	pods := c.client.CoreV1().Pods(namespace)
	return newReduced(c, kindSource{
		"pods", &corev1.Pod{},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return pods.List(ctx, o) },
		pods.Watch,
	}, reduce, changed, log)
}

// ReduceQuotas is [ReduceNodes] for the ResourceQuotas of a namespace, or of all for "".
func ReduceQuotas[T any](c *Cluster, namespace string, reduce func(*corev1.ResourceQuota) T, changed func(), log *slog.Logger) (*Reduced[T], error) {
	quotas := c.client.CoreV1().ResourceQuotas(namespace)
	return newReduced(c, kindSource{
		"resourcequotas", &corev1.ResourceQuota{},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return quotas.List(ctx, o) },
		quotas.Watch,
	}, reduce, changed, log)
}

func newReduced[T any, O metav1.Object](c *Cluster, source kindSource, reduce func(O) T, changed func(), log *slog.Logger) (*Reduced[T], error) {
	r := &Reduced[T]{kind: source.kind, log: log, moved: func() int64 { return 0 }}
	if connected, ok := c.client.(*Client); ok { // a fake client sends no bookmarks
		r.silence, r.moved = watchSilence, connected.Connection.addresses.Load
	}
	r.informer = cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return r.list(ctx, o, source)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return r.watch(ctx, o, source)
		},
	}, c.client), source.empty, 0, cache.Indexers{})
	err := r.informer.SetTransform(func(object any) (any, error) {
		whole, ok := object.(O)
		if !ok {
			return object, nil // reduced already, or a tombstone of a reduced object
		}
		return &reducedObject[T]{metav1.ObjectMeta{
			Name: whole.GetName(), Namespace: whole.GetNamespace(), ResourceVersion: whole.GetResourceVersion(),
		}, reduce(whole)}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("reduce %s: %w", source.kind, err)
	}
	err = r.informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			r.failed(err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", source.kind, err)
	}
	_, err = r.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { changed() },
		UpdateFunc: func(before, after any) {
			b, _ := before.(*reducedObject[T])
			a, _ := after.(*reducedObject[T])
			if b == nil || a == nil || !reflect.DeepEqual(b.value, a.value) {
				changed()
			}
		},
		DeleteFunc: func(any) { changed() },
	})
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", source.kind, err)
	}
	return r, nil
}

// Run lists and watches until ctx is done.
func (r *Reduced[T]) Run(ctx context.Context) { r.informer.RunWithContext(besides(ctx)) }

// Synced reports whether the objects have been listed once.
func (r *Reduced[T]) Synced() bool { return r.informer.HasSynced() }

// All returns the values of all objects, in no order.
func (r *Reduced[T]) All() iter.Seq[T] {
	objects := r.informer.GetStore().List()
	return func(yield func(T) bool) {
		for _, object := range objects {
			if reduced, ok := object.(*reducedObject[T]); ok && !yield(reduced.value) {
				return
			}
		}
	}
}

// LastHeard returns when the API server last said something about the objects: a list, an event, or
// the bookmark that it sends every minute. It is zero if it never did.
func (r *Reduced[T]) LastHeard() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

func (r *Reduced[T]) hear() {
	r.mu.Lock()
	r.heard = time.Now()
	r.mu.Unlock()
}

func (r *Reduced[T]) list(ctx context.Context, options metav1.ListOptions, source kindSource) (runtime.Object, error) {
	address := r.moved()
	list, err := source.list(besides(ctx), options)
	if err != nil {
		return nil, err
	}
	if items, ok := list.(metav1.ListInterface); ok {
		if err := checkList(nil, items); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	r.heard, r.listed = time.Now(), address
	r.mu.Unlock()
	return list, nil
}

func (r *Reduced[T]) watch(ctx context.Context, options metav1.ListOptions, source kindSource) (watch.Interface, error) {
	lists := options.SendInitialEvents != nil && *options.SendInitialEvents
	address := r.moved()
	r.mu.Lock()
	if lists {
		r.listed = address
	}
	moved := r.listed != address
	r.mu.Unlock()
	if moved {
		return nil, errMoved
	}
	events, err := source.watch(besides(ctx), options)
	if err != nil {
		return nil, err
	}
	if reflect.TypeOf(events) == emptyWatch {
		return nil, errdefs.New(errdefs.Unavailable, "the connection broke before the answer")
	}
	r.mu.Lock()
	was := r.failing
	r.failing = false
	r.mu.Unlock()
	if was {
		r.log.Info("the watch of the remote cluster's " + r.kind + " is restored")
	}
	return r.guard(events), nil
}

// failed logs the first of several failures. An answer 410 is none: the objects are listed again.
func (r *Reduced[T]) failed(err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return
	}
	r.mu.Lock()
	first := !r.failing
	r.failing = true
	r.mu.Unlock()
	if first {
		r.log.Warn("the remote cluster's "+r.kind+" cannot be watched; what the ping says of resources stays as it is until they can", "error", err)
	}
}

// guard ends a watch that is silent for too long: the informer opens it again.
func (r *Reduced[T]) guard(events watch.Interface) watch.Interface {
	passed := make(chan watch.Event)
	proxy := watch.NewProxyWatcher(passed)
	go func() {
		defer close(passed)
		defer events.Stop()
		timer := time.NewTimer(max(r.silence, time.Hour))
		defer timer.Stop()
		var silent <-chan time.Time
		if r.silence > 0 {
			silent = timer.C
			timer.Reset(r.silence)
		}
		for {
			select {
			case event, ok := <-events.ResultChan():
				if !ok {
					return
				}
				if event.Type != watch.Error {
					r.hear()
				}
				if r.silence > 0 {
					timer.Reset(r.silence)
				}
				select {
				case passed <- event:
				case <-proxy.StopChan():
					return
				}
			case <-silent:
				r.log.Warn("the watch of the remote cluster's "+r.kind+" is silent; it is opened again", "for", r.silence)
				return
			case <-proxy.StopChan():
				return
			}
		}
	}()
	return proxy
}
