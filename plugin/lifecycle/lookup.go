package lifecycle

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// lookupTimeout limits the search for a pod that the cache does not have. InterLink
// asks for one pod after the other, so every pod of the node waits for the answer
// (docs/contract.md, STATUS-2).
const lookupTimeout = 10 * time.Second

// lookupPause is how long no pod is searched for after a search that failed.
const lookupPause = 5 * time.Second

// lookups lets the searches for pods fail at once after one that failed, since the others
// would most likely fail too, each after lookupTimeout. After a pause one search tries
// again, and the others do not wait for it. The zero value is ready for use.
type lookups struct {
	mu      sync.Mutex
	failure error // of the last search; nil if the remote API server answered it
	at      time.Time
	trying  bool // a search is trying again
}

// do calls search, or returns the last failure.
func (l *lookups) do(search func() error) error {
	again, err := l.begin()
	if err != nil {
		return err
	}
	if again { // also if the search panics
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.trying = false
		}()
	}
	err = search()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case errdefs.IsTransient(err):
		l.failure, l.at = err, time.Now()
	case !errdefs.Is(err, errdefs.Canceled): // the caller did not wait for the answer
		l.failure = nil
	}
	return err
}

// begin returns an error if a search must not begin now. again is true for the one search
// that tries after a pause.
func (l *lookups) begin() (again bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		return false, nil
	}
	if l.trying || time.Since(l.at) < lookupPause {
		return false, errdefs.New(errdefs.Unavailable, "not tried, since the remote API server failed a moment ago: %w", l.failure)
	}
	l.trying = true
	return true, nil
}

// findByName asks the remote API server for the remote pod of a local pod. It returns nil
// if there is none.
func (l *Lifecycle) findByName(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	uid := string(pod.UID)
	return l.find(ctx, l.remoteNamespace(pod), l.options.Translate.Scope.Name(pod.Name, uid), uid)
}

// find asks the remote API server for a pod with a name that is the remote pod for the UID
// of a local pod. It returns nil if there is none.
func (l *Lifecycle) find(ctx context.Context, namespace, name, uid string) (*corev1.Pod, error) {
	found, err := l.cluster.Pod(ctx, namespace, name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case found.Labels[wire.LabelPodUID] != uid:
		return nil, nil // it is not the plugin's
	}
	return found, nil
}

// confirmedPod returns the remote pod of a local pod: from the cache, or else, because
// the cache learns of a new pod a moment after its create, from the remote API server.
// It returns nil only if it is certain that there is none: neither a cache that has been
// filled nor the remote API server has it (docs/contract.md, STATUS-34).
func (l *Lifecycle) confirmedPod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	synced := l.cluster.Synced() // before the look into the cache, which can be filled at any moment
	if cached := l.cluster.CachedPod(string(pod.UID)); cached != nil {
		return cached, nil
	}
	var found *corev1.Pod
	err := l.lookups.do(func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		found, err = l.findByName(ctx, pod)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("find the remote pod of %s/%s: %w", pod.Namespace, pod.Name, err)
	case found == nil && !synced && pod.Annotations[wire.AnnotationJobID] != "":
		return nil, errdefs.New(errdefs.Unavailable, "find the remote pod of %s/%s: the pod cache is not filled yet", pod.Namespace, pod.Name)
	}
	return found, nil
}
