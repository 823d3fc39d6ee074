package lifecycle

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// patience is how long a delete keeps its caller waiting for the first try.
const patience = 10 * time.Second

// Delete deletes what was created for a local pod: the remote pod, within the
// grace period that the local one has, then all that carries its UID, then its
// claims as their policies say. A create of the same pod that is in flight, or
// that arrives later, loses.
//
// A delete is never refused: InterLink sends it once and ignores the answer
// (contract, section 2). A pod that was never there is no error, and what fails
// is tried again in the background until it is done.
func (l *Lifecycle) Delete(ctx context.Context, pod *corev1.Pod) error {
	log := l.logFor(pod)
	l.arrivals.delete(string(pod.UID))

	// The caller leaving ends nothing: nobody would ask again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := l.delete(ctx, pod); err != nil {
		log.Warn("delete failed, will be tried again", "error", err)
		l.background.keepTrying(log, "delete", func(ctx context.Context) error { return l.delete(ctx, pod) })
		return nil
	}
	log.Info("deleted")
	return nil
}

// delete is one try. All of it may be repeated.
func (l *Lifecycle) delete(ctx context.Context, pod *corev1.Pod) error {
	uid := string(pod.UID)
	unlock, err := l.pods.lock(ctx, uid) // waits until a create in flight has undone its work
	if err != nil {
		return err
	}
	defer unlock()

	namespace := l.remoteNamespace(pod)
	selector := scope.PodSelector(uid)
	if err := l.cluster.DeletePods(ctx, namespace, selector, pod.DeletionGracePeriodSeconds); err != nil {
		return err // the rest must not go away under a pod that runs
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
