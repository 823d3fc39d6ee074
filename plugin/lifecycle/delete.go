package lifecycle

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// firstTryTimeout is how long the caller of a delete waits for the first attempt.
const firstTryTimeout = 10 * time.Second

// Delete deletes what was created for a local pod: first the remote pod, with the
// grace period of the local pod; then all objects with its UID; then its claims, if
// their policies say so. It cancels a create of the same pod that is in flight, and
// a create that arrives later fails.
//
// Delete always succeeds: InterLink sends it once and ignores the answer
// (docs/contract.md, DELETE-1 and DELETE-2). It is not an error if the pod was never
// created. A failed delete goes to the retry queue.
func (l *Lifecycle) Delete(ctx context.Context, pod *corev1.Pod) error {
	log := l.podLogger(pod)
	l.inFlight.addDelete(string(pod.UID))

	// The delete goes on if the caller disconnects: InterLink does not repeat it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), firstTryTimeout)
	defer cancel()
	if err := l.deleteOnce(ctx, pod); err != nil {
		log.Warn("delete failed, will be retried", "error", err)
		l.retries.addAfterFailure(pod.UID, job{name: "delete the pod", log: log, run: func(ctx context.Context) error {
			return l.deleteOnce(ctx, pod)
		}})
		return nil
	}
	log.Info("deleted")
	return nil
}

// deleteOnce tries once to delete everything. It may be called again.
func (l *Lifecycle) deleteOnce(ctx context.Context, pod *corev1.Pod) error {
	uid := string(pod.UID)
	unlock, err := l.podLocks.lock(ctx, uid) // waits until a create in flight has rolled back
	if err != nil {
		return err
	}
	defer unlock()

	namespace := l.remoteNamespace(pod)
	selector := scope.PodSelector(uid)
	if err := l.cluster.DeletePods(ctx, namespace, selector, pod.DeletionGracePeriodSeconds); err != nil {
		return err // a pod that may still run needs its other objects
	}
	var failures []error
	if tunnels := l.options.Tunnels; tunnels != nil {
		failures = append(failures, tunnels.Close(ctx, scope.TunnelSelector(uid)), l.deleteService(ctx, namespace, uid, selector))
	}
	failures = append(failures,
		l.cluster.DeleteConfigMaps(ctx, namespace, selector),
		l.cluster.DeleteSecrets(ctx, namespace, selector),
	)
	for _, claim := range translate.ClaimNames(pod) {
		failures = append(failures, l.releaseClaim(ctx, claim, pod))
	}
	return errors.Join(failures...)
}
