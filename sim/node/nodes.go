package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// PodSelector selects the pods that the nodes simulate: those that a plugin offloaded.
const PodSelector = wire.LabelOffloading + "=" + wire.Offloading

// Options configure [Nodes].
type Options struct {
	// Client has the rights of the remote cluster's control plane. client-go's default
	// limit of five requests a second is too low for many pods.
	Client kubernetes.Interface
	// Behavior returns what a pod does, and false if these nodes must ignore the pod.
	// By default, all pods have the zero value of scenario.Pod.
	Behavior func(pod *corev1.Pod) (scenario.Pod, bool)
	// Selector selects the pods that the nodes look at, as kubectl --selector does; the default
	// is PodSelector.
	Selector string
	// Name is the name of the node; the default is "simulated".
	Name string
	// Clock is the time of the nodes; the default is the real time.
	Clock Clock
	// Logs stores the output of the containers; the default is a new store. A caller
	// that needs the store earlier, for sim/fakecluster, creates it with NewLogs.
	Logs *Logs
	// ServeLogs is for a real API server: while the nodes run, this process serves the
	// kubelet's log endpoint and registers a Node with the endpoint's address.
	ServeLogs bool
	// Workers is the number of pods that are written at the same time; the default is 8.
	Workers int
	// Absent, if not nil, is called when the kubelet does something with a pod without
	// ConfigMaps or Secrets that the pod names: it mounts a volume or starts a container
	// because the source is optional, or it fails to create a container (waits). The
	// name of the container is empty for volumes. It must not block.
	Absent func(pod *corev1.Pod, container string, absent inspect.Sources, waits bool)
	// Log receives failed writes; the default is slog.Default.
	Log *slog.Logger
}

// Nodes simulates the scheduler and the kubelets for the offloaded pods of a cluster.
type Nodes struct {
	options Options
	logs    *Logs
	workers []*worker
}

// New returns nodes that are idle until [Nodes.Run] is called.
func New(options Options) *Nodes {
	options.Name = cmp.Or(options.Name, "simulated")
	options.Workers = cmp.Or(options.Workers, 8)
	options.Log = cmp.Or(options.Log, slog.Default())
	if options.Clock == nil {
		options.Clock = ScaledClock(1)
	}
	if options.Behavior == nil {
		options.Behavior = func(*corev1.Pod) (scenario.Pod, bool) { return scenario.Pod{}, true }
	}
	options.Logs = cmp.Or(options.Logs, NewLogs(options.Clock))
	n := &Nodes{options: options, logs: options.Logs}
	for range options.Workers {
		n.workers = append(n.workers, newWorker(n))
	}
	return n
}

// Logs returns the output of the containers.
func (n *Nodes) Logs() *Logs { return n.logs }

// NextTransition returns when a pod next changes its state, and false if no pod is
// going to. While events wait to be handled, it is the present time or earlier.
func (n *Nodes) NextTransition() (time.Time, bool) {
	var first time.Time
	for _, w := range n.workers {
		if due, ok := w.nextTransition(); ok && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	return first, !first.IsZero()
}

// Idle reports whether the nodes have handled all events that they received, and have
// nothing to do before the clock advances.
func (n *Nodes) Idle() bool {
	return !slices.ContainsFunc(n.workers, func(w *worker) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return !w.idle()
	})
}

// UpToDate reports whether the nodes are idle and have seen exactly these pods: the
// keys are UIDs, the values resource versions.
func (n *Nodes) UpToDate(pods map[types.UID]string) bool {
	total := 0
	for _, w := range n.workers {
		count, ok := w.upToDate(pods)
		if !ok {
			return false
		}
		total += count
	}
	return total == len(pods)
}

// Run simulates the nodes until ctx is done.
func (n *Nodes) Run(ctx context.Context) (err error) {
	if n.options.ServeLogs {
		server, err := n.serveLogs(ctx)
		if err != nil {
			return fmt.Errorf("serve logs as a kubelet: %w", err)
		}
		defer func() { err = errors.Join(err, server.Close(), n.deleteNode(context.WithoutCancel(ctx))) }()
	}
	pods := n.options.Client.CoreV1().Pods("")
	informer := cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = cmp.Or(n.options.Selector, PodSelector)
			return pods.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = cmp.Or(n.options.Selector, PodSelector)
			return pods.Watch(ctx, options)
		},
	}, n.options.Client), &corev1.Pod{}, 0, cache.Indexers{})
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { n.enqueue(o, false) },
		UpdateFunc: func(_, o any) { n.enqueue(o, false) },
		DeleteFunc: func(o any) { n.enqueue(o, true) },
	})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	var workers sync.WaitGroup
	for _, w := range n.workers {
		workers.Go(func() { w.run(ctx) })
	}
	informer.RunWithContext(ctx)
	workers.Wait()
	return nil
}

// enqueue gives an event of the informer to a worker. All events of a pod go to the
// same worker, which handles them in order.
func (n *Nodes) enqueue(o any, deleted bool) {
	if tombstone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = tombstone.Obj
	}
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(pod.UID)) // a hash never returns an error
	n.workers[int(hash.Sum32())%len(n.workers)].enqueue(podEvent{pod, deleted})
}
