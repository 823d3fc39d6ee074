package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// firstTryTimeout is how long the caller of a delete waits for the first attempt.
const firstTryTimeout = 10 * time.Second

// Delete deletes the remote pod of a local pod, with the grace period of the local pod.
// The garbage collector then deletes what the pod owns, and the retry queue what it does
// not own (see unowned). Delete cancels a create of the same pod that is in flight, and
// a create that arrives later fails.
//
// Delete always succeeds: InterLink sends it once and ignores the answer
// (docs/contract.md, DELETE-1 and DELETE-2). It is not an error if the pod was never
// created. A failed delete goes to the retry queue.
func (l *Lifecycle) Delete(ctx context.Context, pod *corev1.Pod) error {
	log := l.podLogger(ctx, pod)
	l.inFlight.addDelete(pod)

	// The delete goes on if the caller disconnects: InterLink does not repeat it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), firstTryTimeout)
	defer cancel()
	rest, err := l.deletePods(ctx, pod)
	switch {
	case err != nil:
		log.Warn("delete failed, will be retried", "error", err)
		l.counters.addRetry(errdefs.KindOf(err))
		l.retries.addAfterFailure(pod.UID, l.deleteJob(ctx, pod))
		return nil
	case rest != nil:
		l.retries.add(pod.UID, job{kind: deleteJob, name: restOfDelete, log: log, run: tracing.Later(ctx, restOfDelete, rest)})
	}
	log.Info("deleted")
	return nil
}

// restOfDelete is the name of the job that follows the delete of a pod.
const restOfDelete = "delete what the pod does not own"

// deleteJob returns the job that deletes the remote pods of a local pod, and then what
// they do not own. ctx is only for its log lines and its spans, which belong to the request.
func (l *Lifecycle) deleteJob(ctx context.Context, pod *corev1.Pod) job {
	const name = "delete the pod"
	return job{kind: deleteJob, name: name, log: l.podLogger(ctx, pod), run: tracing.Later(ctx, name, func(ctx context.Context) error {
		rest, err := l.deletePods(ctx, pod)
		if err != nil || rest == nil {
			return err
		}
		return rest(ctx)
	})}
}

// deleteMissed returns the job that deletes a remote pod that another replica created
// while this one deleted the local pod. It does nothing if the delete, which may still
// run, finds the remote pod.
func (l *Lifecycle) deleteMissed(pod *corev1.Pod, remote types.UID) job {
	j := l.deleteJob(context.Background(), pod) // no request asks for it
	run := j.run
	j.name = "delete the pod that another replica created"
	j.run = func(ctx context.Context) error {
		unlock, err := l.podLocks.lock(ctx, string(pod.UID))
		if err != nil {
			return err
		}
		missed := l.inFlight.missed(string(pod.UID), remote) != nil
		unlock()
		if !missed {
			return nil
		}
		return run(ctx)
	}
	return j
}

// deletePods tries once to delete the remote pods of a local pod; there are several only
// if a site ran two plugins at the same time. It returns the rest of the delete, or nil
// if there is nothing else to delete. It may be called again.
func (l *Lifecycle) deletePods(ctx context.Context, pod *corev1.Pod) (rest func(context.Context) error, err error) {
	unlock, err := l.podLocks.lock(ctx, string(pod.UID)) // waits until a create in flight has rolled back
	if err != nil {
		return nil, err
	}
	defer unlock()

	synced := l.cluster.Synced() // before the look into the cache, which can be filled at any moment
	remotes := l.cluster.CachedPods(string(pod.UID))
	removed, err := l.removeStored(ctx, pod, remotes)
	if err != nil {
		return nil, err
	}
	gone := true
	var failures []error
	for _, remote := range remotes {
		err := l.deleteRemote(ctx, pod, remote)
		if errdefs.Is(err, errdefs.NotFound) {
			continue
		}
		gone = false
		failures = append(failures, err)
	}
	if gone { // the cache does not have the pod yet, or still has a pod that is gone
		live, err := l.findForDelete(ctx, pod, removed)
		if err != nil {
			return nil, err
		}
		if live == nil && !synced { // a pod of the Python plugin has another name, and only the cache finds it
			return nil, errdefs.New(errdefs.Unavailable, "delete the remote pod of %s/%s: the pod cache is not filled yet", pod.Namespace, pod.Name)
		}
		if live != nil {
			remotes = append(remotes, live)
			if err := l.deleteRemote(ctx, pod, live); !errdefs.Is(err, errdefs.NotFound) {
				failures = append(failures, err)
			}
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, fmt.Errorf("delete the remote pod of %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	l.addSweep(ctx, pod, remotes)
	return l.unowned(pod, remotes), nil
}

// deleteRemote deletes one remote pod of a local pod.
func (l *Lifecycle) deleteRemote(ctx context.Context, pod, remote *corev1.Pod) error {
	err := l.cluster.Delete(ctx, remote, pod.DeletionGracePeriodSeconds, false)
	if err == nil || errdefs.Is(err, errdefs.NotFound) {
		l.inFlight.addDeleted(string(pod.UID), remote.UID)
	}
	return err
}
