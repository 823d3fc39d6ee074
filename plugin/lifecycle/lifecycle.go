package lifecycle

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/fairqueue"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// Options configure a Lifecycle.
type Options struct {
	// Translate, Policy and Maintenance are the first [Site].
	Translate   translate.Options
	Policy      policy.Options
	Maintenance bool
	// CreateTimeout limits one create, with its retries. InterLink waits 120 s for
	// an answer; without one, the local pod fails for good (docs/contract.md,
	// HTTP-5 and CREATE-4).
	CreateTimeout time.Duration
	// Status says how the status of pods is reported.
	Status status.Options
	// Events says that users are told what the events of their remote pods say, while these
	// wait.
	Events bool
	// NamespaceTemplate has the objects of each remote namespace that the plugin creates;
	// nil if there are none.
	NamespaceTemplate *nstemplate.Template
	// Tunnels exposes the TCP ports of pods; nil if ports are not exposed.
	Tunnels Tunnels
	// Waiting keeps the pods that a full quota refuses; nil if their creates fail.
	Waiting WaitingPods
	// Observer learns which local pods exist; nil if nothing needs to know.
	Observer Observer
	Log      *slog.Logger
}

// Lifecycle runs local pods in a remote cluster. Its methods are safe for concurrent
// use. Creates and deletes of the same pod run one after the other.
type Lifecycle struct {
	cluster Cluster
	options Options
	log     *slog.Logger
	site    atomic.Pointer[currentSite]
	// inMaintenance has the local UIDs of the creates that wait for the end of a maintenance.
	inMaintenance sync.Map

	// podLocks has one lock for each local UID, and namespaceLocks one for each remote
	// namespace.
	podLocks, namespaceLocks keyedMutex
	// namespaces holds, by name, the remote namespaces that are known to exist
	// (knownNamespace). They are looked at again after namespaceMemory.
	namespaces      sync.Map
	namespaceMemory time.Duration
	inFlight        inFlight
	originals       originals
	refusals        *lateRefusals
	lookups         lookups
	events          *waitEvents // nil if events are not looked up
	// creates is the queue of the creates, by local namespace.
	creates *fairqueue.Queue
	// rollbacks holds, by local UID, whether the rollbacks that wait in the retry
	// queue are canceled (*atomic.Bool): see cancelPendingRollbacks.
	rollbacks  sync.Map
	rollbackID atomic.Int64
	retries    retryQueue
	counters   counters
	owned      ownedDeletes
	// sweeps has the sweeps for objects of earlier versions.
	sweeps retryQueue
}

// maxCreates is the number of creates at the same time; one namespace has at most half of
// them.
const maxCreates = 128

// New returns a Lifecycle for a remote cluster. Call [Lifecycle.Close] to stop its
// retries.
func New(cluster Cluster, options Options) *Lifecycle {
	l := &Lifecycle{
		cluster: cluster, options: options, log: options.Log, namespaceMemory: namespaceMemory,
		refusals: newLateRefusals(), creates: fairqueue.New(maxCreates), sweeps: retryQueue{limit: maxSweeps},
	}
	l.SetSite(Site{Translate: options.Translate, Policy: options.Policy, Maintenance: options.Maintenance})
	l.options.Translate, l.options.Policy = translate.Options{Scope: options.Translate.Scope}, policy.Options{} // the rest can change: it is in Site
	l.retries.retried, l.sweeps.retried = l.counters.addRetry, l.counters.addRetry
	if options.Events {
		l.events = newWaitEvents(cluster.PodEvents, options.Log)
	}
	return l
}

// Close waits until the retry queue is empty or ctx is done. It logs the work that
// is not done by then.
func (l *Lifecycle) Close(ctx context.Context) {
	l.retries.close(ctx)
	l.sweeps.close(ctx)
	l.owned.close()
	if l.events != nil {
		l.events.close()
	}
}

// Idle reports whether the retry queue has nothing left to do.
func (l *Lifecycle) Idle() bool { return l.retries.idle() && l.sweeps.idle() }

// mentioned tells the observer that a local pod exists.
func (l *Lifecycle) mentioned(uid string) {
	if l.options.Observer != nil {
		l.options.Observer.Mentioned(uid)
	}
}

// podLogger returns a logger that names a local pod, and the request that a context belongs to.
func (l *Lifecycle) podLogger(ctx context.Context, pod *corev1.Pod) *slog.Logger {
	return tracing.Logger(ctx, l.log).With("namespace", pod.Namespace, "name", pod.Name, "uid", pod.UID)
}
