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

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// PodSelector are the pods that nodes play: those that a plugin offloaded.
const PodSelector = "interlink.io=offloading"

// Clock is the time that nodes live by; k8s.io/utils/clock's are ones.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Options of nodes.
type Options struct {
	// Client is of the remote cluster, with the rights of its control plane. One with
	// client-go's default limit of five calls a second is too slow for many pods.
	Client kubernetes.Interface
	// Behaviour says what a pod does, and whether these nodes play it at all; the
	// default plays every pod as a scenario does that says nothing of it.
	Behaviour func(pod *corev1.Pod) (scenario.Pod, bool)
	// Name of the node; the default is "simulated".
	Name string
	// Clock is the real one by default.
	Clock Clock
	// Logs is where output goes; made beforehand (NewLogs) by who must give it to
	// sim/fakecluster first. The default is a new one.
	Logs *Logs
	// ServeLogs serves the kubelet's log endpoint on this machine and registers a
	// Node with its address, for a real API server, while the nodes run.
	ServeLogs bool
	// Workers is how many pods are written at once; the default is 8.
	Workers int
	// Log is told what went wrong; the default is slog's.
	Log *slog.Logger
}

// Nodes plays the scheduler and the kubelets for the offloaded pods of a cluster.
type Nodes struct {
	options Options
	logs    *Logs
	workers []*worker
}

// New returns nodes that do nothing until [Nodes.Run].
func New(options Options) *Nodes {
	options.Name = cmp.Or(options.Name, "simulated")
	options.Workers = cmp.Or(options.Workers, 8)
	options.Log = cmp.Or(options.Log, slog.Default())
	if options.Clock == nil {
		options.Clock = ScaledClock(1)
	}
	if options.Behaviour == nil {
		options.Behaviour = func(*corev1.Pod) (scenario.Pod, bool) { return scenario.Pod{}, true }
	}
	options.Logs = cmp.Or(options.Logs, NewLogs(options.Clock))
	n := &Nodes{options: options, logs: options.Logs}
	for range options.Workers {
		n.workers = append(n.workers, newWorker(n))
	}
	return n
}

// NewLogs returns an empty store of logs that goes by a clock.
func NewLogs(clock Clock) *Logs { return &Logs{now: clock.Now} }

// Logs is what the containers wrote.
func (n *Nodes) Logs() *Logs { return n.logs }

// NextTransition is when the next transition is due; false if none is. It may be in the
// past while there is work to do.
func (n *Nodes) NextTransition() (time.Time, bool) {
	var first time.Time
	for _, w := range n.workers {
		if at, ok := w.next(); ok && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first, !first.IsZero()
}

// Idle says that these nodes have nothing to do with what they have heard of
// before their clock moves.
func (n *Nodes) Idle() bool {
	return !slices.ContainsFunc(n.workers, func(w *worker) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return !w.idle()
	})
}

// UpToDate says that these nodes have nothing to do before their clock moves, and
// that the pods they play are exactly these, by UID, in these resource versions.
func (n *Nodes) UpToDate(pods map[types.UID]string) bool {
	known := 0
	for _, w := range n.workers {
		count, ok := w.settled(pods)
		if !ok {
			return false
		}
		known += count
	}
	return known == len(pods)
}

// Run plays until ctx is done.
func (n *Nodes) Run(ctx context.Context) (err error) {
	if n.options.ServeLogs {
		endpoint, err := n.serveLogs(ctx)
		if err != nil {
			return fmt.Errorf("serve logs as a kubelet: %w", err)
		}
		defer func() { err = errors.Join(err, endpoint.Close(), n.deregister(context.WithoutCancel(ctx))) }()
	}
	pods := n.options.Client.CoreV1().Pods("")
	informer := cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = PodSelector
			return pods.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = PodSelector
			return pods.Watch(ctx, options)
		},
	}, n.options.Client), &corev1.Pod{}, 0, cache.Indexers{})
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { n.tell(o, false) },
		UpdateFunc: func(_, o any) { n.tell(o, false) },
		DeleteFunc: func(o any) { n.tell(o, true) },
	})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	var running sync.WaitGroup
	for _, w := range n.workers {
		running.Go(func() { w.run(ctx) })
	}
	informer.RunWithContext(ctx)
	running.Wait()
	return nil
}

// tell gives news of a pod to the one worker that has it.
func (n *Nodes) tell(o any, gone bool) {
	if tombstone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = tombstone.Obj
	}
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(pod.UID)) // a hash's never fails
	n.workers[int(hash.Sum32())%len(n.workers)].tell(news{pod, gone})
}

// ScaledClock is a clock that runs a number of times as fast as the real one.
func ScaledClock(speed float64) Clock { return &scaled{time.Now(), speed} }

type scaled struct {
	origin time.Time
	speed  float64
}

func (s *scaled) Now() time.Time {
	return s.origin.Add(time.Duration(float64(time.Since(s.origin)) * s.speed))
}

func (s *scaled) After(d time.Duration) <-chan time.Time {
	return time.After(time.Duration(float64(d) / s.speed))
}
