package quotawait

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Options configure a Waiting.
type Options struct {
	Scope scope.Scope
	// Claims returns the names of the remote claims that a local pod will use.
	Claims func(pod *corev1.Pod) []string
	// Accept is false if no pod may begin to wait. Those that wait already are created.
	Accept bool
	// Paused reports whether no pod may be created now; nil if that is never so.
	Paused func() bool
	// CreateTimeout limits one create.
	CreateTimeout time.Duration
	Log           *slog.Logger
}

// Waiting keeps the create requests of pods that wait for a quota. Its methods are safe for
// concurrent use.
type Waiting struct {
	cluster Cluster
	options Options
	log     *slog.Logger
	timing  timing
	replica string // a name that no other process has
	index   index

	mu      sync.Mutex
	start   func(namespace string, wake <-chan struct{}) // starts a worker; nil while Run does not run
	workers map[string]chan struct{}                     // by remote namespace
	blocked map[string]bool                              // remote namespaces
	first   chan struct{}                                // tells the watch of the quotas that a pod waits
}

// timing has the times that tests shorten.
type timing struct {
	list              time.Duration // between two lists of the markers
	minPause, pause   time.Duration // between two tries of the pods in a namespace
	gap               time.Duration // after a try that a change of a quota caused
	recount           time.Duration // how long a quota mostly counts a pod that a try has created and deleted
	lateRecount       time.Duration // how long it may do so
	hold              time.Duration // how long a replica holds a pod
	blocked           time.Duration // how long pods block each other until one fails
	keepFailed        time.Duration // how long a marker of a failed create stays
	keepReported      time.Duration // the same, after the status has said that it failed
	withoutPermission time.Duration // before the quotas are watched again after a refusal
}

// margin is how long a create may take to end after its timeout: the rollback.
const margin = 30 * time.Second

// cleanupTimeout limits what is done after the context of a create has ended.
const cleanupTimeout = 5 * time.Second

// New returns a Waiting. By itself it sends no request before [Waiting.Run].
func New(cluster Cluster, options Options) *Waiting {
	return &Waiting{
		cluster: cluster, options: options, log: options.Log, replica: rand.Text(),
		workers: map[string]chan struct{}{}, blocked: map[string]bool{}, first: make(chan struct{}, 1),
		timing: timing{
			list: time.Minute, minPause: time.Second, pause: time.Minute, gap: 200 * time.Millisecond, recount: 5 * time.Second, lateRecount: time.Minute,
			hold: options.CreateTimeout + margin, blocked: 2 * time.Minute,
			keepFailed: time.Hour, keepReported: time.Minute, withoutPermission: 10 * time.Minute,
		},
	}
}

// Accept stores a create request that failed because of a quota. If the pod cannot wait,
// nothing is stored, and Accept returns the failure with the reason. A pod that comes before
// Run has listed the markers does not fail because of that: Accept lists them.
func (w *Waiting) Accept(ctx context.Context, request *wire.CreateRequest, failure error) error {
	refused, ok := refusalOf(failure)
	switch {
	case !w.options.Accept:
		return failure
	case !ok || !refused.fits():
		return fmt.Errorf("%w: it cannot wait, because it does not fit into the quota", failure)
	}
	if err := w.ensureListed(ctx); err != nil {
		return fmt.Errorf("%w: it cannot wait, because the plugin could not list the pods that wait: %w", failure, err)
	}
	if refused.countsStored() && w.isBlocked(keyOf(w.options.Scope, &request.Pod).namespace) {
		return fmt.Errorf("%w: it cannot wait, because the requests of pods that wait use up the quota", failure)
	}
	if err := w.store(ctx, request, refused.text); err != nil {
		return fmt.Errorf("%w: it cannot wait: %w", failure, err)
	}
	w.log.Info("the pod waits for a quota", "namespace", request.Pod.Namespace, "name", request.Pod.Name,
		"uid", request.Pod.UID, "reason", refused.text)
	return nil
}

// store stores a request: first the Secret, then the marker. Then it keeps the claims of the pod.
// After a failure it deletes what it has stored.
func (w *Waiting) store(ctx context.Context, request *wire.CreateRequest, refusal string) error {
	pod := &request.Pod
	secret, err := newSecret(w.options.Scope, request)
	if err != nil {
		return err
	}
	marker := newMarker(w.options.Scope, pod, w.options.Claims(pod), time.Now(), refusal)
	err = w.create(ctx, secret)
	if err == nil {
		err = w.create(ctx, marker)
	}
	if err == nil {
		err = w.keepClaims(ctx, marker.Namespace, pod)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		if _, cleanupErr := w.Remove(ctx, pod); cleanupErr != nil {
			w.log.Warn("a stored create request may be left", "secret", keyOf(w.options.Scope, pod).String(), "error", cleanupErr)
		}
		return err
	}
	w.index.put(keyOf(w.options.Scope, pod), stateOf(marker), time.Now())
	w.startWorker(keyOf(w.options.Scope, pod).namespace)
	return nil
}

// Cached returns the state of a local pod that is known to wait. It sends no request.
func (w *Waiting) Cached(pod *corev1.Pod) (status.Waiting, bool) {
	e, ok := w.lookUp(pod)
	return w.statusOf(pod, e.state, ok)
}

// Find is like Cached, but asks the remote API server.
func (w *Waiting) Find(ctx context.Context, pod *corev1.Pod) (status.Waiting, bool, error) {
	k := keyOf(w.options.Scope, pod)
	marker, err := w.cluster.Get(ctx, &corev1.ConfigMap{ObjectMeta: k.meta()})
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return status.Waiting{}, false, nil
	case err != nil:
		return status.Waiting{}, false, err
	}
	s := stateOf(marker)
	if s.uid != string(pod.UID) {
		return status.Waiting{}, false, nil // it is not the plugin's
	}
	w.index.put(k, s, time.Now())
	w.startWorker(k.namespace)
	waiting, ok := w.statusOf(pod, s, true)
	return waiting, ok, nil
}

// MayWait reports whether the request of a local pod is, or may be, stored.
func (w *Waiting) MayWait(pod *corev1.Pod) bool {
	if !w.index.isFilled() {
		return true
	}
	e, ok := w.lookUp(pod)
	return ok && e.ended != wire.WaitEndedByDelete
}

// UsesClaim reports whether a local pod that waits uses a persistent volume claim of a remote
// namespace, apart from the local pod with a UID. It lists the markers, since another replica
// may have accepted the pod a moment ago. Without the permission to list them, no pod waits.
func (w *Waiting) UsesClaim(ctx context.Context, namespace, claim, exceptUID string) (bool, error) {
	if err := w.list(ctx); err != nil && !errdefs.Is(err, errdefs.Refused) {
		return false, err
	}
	waiting, _ := w.index.waiting(namespace)
	return slices.ContainsFunc(waiting, func(e entry) bool {
		return e.uid != exceptUID && slices.Contains(strings.Split(e.claims, ","), claim)
	}), nil
}

// Idle reports whether nothing is left of the pods that are known to be deleted.
func (w *Waiting) Idle() bool { return !w.index.hasDeleted() }

func (w *Waiting) lookUp(pod *corev1.Pod) (entry, bool) {
	return w.index.get(func() key { return keyOf(w.options.Scope, pod) }, string(pod.UID))
}

func (w *Waiting) statusOf(pod *corev1.Pod, s state, ok bool) (status.Waiting, bool) {
	if !ok || s.ended == wire.WaitEndedByDelete {
		return status.Waiting{}, false
	}
	waiting := status.Waiting{JobID: jobID(w.options.Scope, pod), Message: s.refusal}
	if s.ended != "" {
		w.index.report(keyOf(w.options.Scope, pod), time.Now())
		waiting.Message, waiting.Failed = s.ended, true
	}
	return waiting, true
}

// Remove removes the stored request of a local pod that is deleted, and reports whether
// there was one. It writes on the marker first: a replica that then finds the Secret gone
// knows why (commit), and a later look at the marker completes what a crash interrupts.
func (w *Waiting) Remove(ctx context.Context, pod *corev1.Pod) (found bool, err error) {
	k := keyOf(w.options.Scope, pod)
	secret, err := w.cluster.Get(ctx, &corev1.Secret{ObjectMeta: k.meta()})
	stored := err == nil && secret.GetLabels()[wire.LabelStoredRequest] == string(pod.UID)
	if err != nil && !errdefs.Is(err, errdefs.NotFound) {
		return false, err
	}
	_, known := w.lookUp(pod)
	if !stored && !known {
		return false, nil
	}
	marked, err := w.markDeleted(ctx, k, string(pod.UID))
	if err != nil {
		return false, err
	}
	if stored {
		if err := ignoreNotFound(w.cluster.Delete(ctx, secret, nil, false)); err != nil {
			return false, err
		}
	}
	if !marked {
		w.index.remove(k)
	}
	w.wake(k.namespace)
	return true, nil
}

// markDeleted writes on a marker that the local pod is deleted. It reports whether there is
// a marker.
func (w *Waiting) markDeleted(ctx context.Context, k key, uid string) (bool, error) {
	found, err := w.cluster.Get(ctx, &corev1.ConfigMap{ObjectMeta: k.meta()})
	marker, ok := found.(*corev1.ConfigMap)
	if err == nil && ok && stateOf(marker).uid == uid {
		err = w.cluster.AnnotateConfigMap(ctx, marker, map[string]any{wire.AnnotationWaitEnded: wire.WaitEndedByDelete}, false)
	}
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return false, nil
	case err != nil || !ok:
		return false, err
	}
	s := stateOf(marker)
	s.ended = wire.WaitEndedByDelete
	w.index.put(k, s, time.Now())
	return s.uid == uid, nil
}

func ignoreNotFound(err error) error {
	if errdefs.Is(err, errdefs.NotFound) {
		return nil
	}
	return err
}
