package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// lookup bounds the live search for a pod that the cache lacks: while it goes
// on, no other pod of the virtual node is asked about (contract, section 1).
const lookup = 10 * time.Second

// Status says how local pods fare remotely, from the watch cache alone for pods
// that it knows. A pod of which nothing certain can be said, because the remote
// API server cannot be reached, is left out: InterLink then keeps what it said
// last. When that is so for all, the error is of kind Unavailable.
func (l *Lifecycle) Status(ctx context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
	answer := make([]wire.PodStatus, 0, len(pods))
	var failures []error
	for i := range pods {
		pod := &pods[i]
		remote, err := l.remotePod(ctx, pod)
		if err != nil {
			l.logFor(pod).Warn("the pod's state is not known", "error", err)
			failures = append(failures, err)
			continue
		}
		answer = append(answer, status.Of(pod, remote))
	}
	if len(answer) == 0 && len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	return answer, nil
}

// remotePod returns the remote pod of a local one; nil means that it certainly
// is not there: absent from a cache that is filled and from one live read.
func (l *Lifecycle) remotePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	uid := string(pod.UID)
	if cached := l.cluster.CachedPod(uid); cached != nil {
		return cached, nil
	}
	synced := l.cluster.Synced()
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	found, err := l.cluster.FindPod(ctx, l.remoteNamespace(pod), uid)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look for the remote pod of %s/%s: %w", pod.Namespace, pod.Name, err)
	case found == nil && !synced && pod.Annotations[wire.AnnotationJobID] != "":
		return nil, errdefs.New(errdefs.Unavailable, "look for the remote pod of %s/%s: the cache is still being filled", pod.Namespace, pod.Name)
	}
	return found, nil
}
