package lifecycle

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// lookupTimeout limits the search for a pod that the cache does not have. InterLink
// asks for one pod after the other, so every pod of the node waits for the answer
// (docs/contract.md, STATUS-2).
const lookupTimeout = 10 * time.Second

// lookUp returns the remote pod of a local pod, or nil if there is none. It reads the
// pod cache, and asks the remote API server only if the cache does not have the pod.
// With trustCache, a cache that has been filled is enough to know that there is no
// remote pod; without it, the API server must confirm that, because the cache learns
// of a new pod a moment after its create.
func (l *Lifecycle) lookUp(ctx context.Context, pod *corev1.Pod, trustCache bool) (*corev1.Pod, error) {
	if cached := l.cluster.CachedPod(string(pod.UID)); cached != nil || trustCache && l.cluster.Synced() {
		return cached, nil
	}
	return l.cluster.FindPod(ctx, l.remoteNamespace(pod), string(pod.UID))
}

// confirmedPod returns the remote pod of a local pod. It returns nil only if it is
// certain that there is none: neither a cache that has been filled nor the remote API
// server has it (docs/contract.md, STATUS-34).
func (l *Lifecycle) confirmedPod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	synced := l.cluster.Synced()
	found, err := l.lookUp(ctx, pod, false)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find the remote pod of %s/%s: %w", pod.Namespace, pod.Name, err)
	case found == nil && !synced && pod.Annotations[wire.AnnotationJobID] != "":
		return nil, errdefs.New(errdefs.Unavailable, "find the remote pod of %s/%s: the pod cache is not filled yet", pod.Namespace, pod.Name)
	}
	return found, nil
}
