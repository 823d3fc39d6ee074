package lifecycle

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// CreateStored creates the remote objects of a local pod whose create request was stored
// because the pod had to wait, like Create. As its last step it calls commit, which removes
// the stored request and reports whether it was still there: if not, a delete came, and
// CreateStored deletes the pod. If commit fails, the pod stays, and a later call completes
// it. The error is of kind Canceled also if the local pod was deleted.
func (l *Lifecycle) CreateStored(ctx context.Context, request *wire.CreateRequest, commit func(context.Context) (kept bool, err error)) error {
	pod := &request.Pod
	for _, remote := range l.cluster.CachedPods(string(pod.UID)) {
		if remote.Namespace != l.remoteNamespace(pod) {
			return errdefs.New(errdefs.Refused, "create pod %s/%s from a stored request: pod %s/%s belongs to the same local pod",
				pod.Namespace, pod.Name, remote.Namespace, remote.Name)
		}
	}
	deleted := false
	_, err := l.createFor(ctx, request, func(ctx context.Context) error {
		kept, err := commit(ctx)
		if err == nil && !kept {
			deleted, err = true, errDeleted
		}
		return err
	})
	if deleted {
		_ = l.Delete(ctx, pod) // never returns an error
	}
	return err
}

// IsDeleted reports whether a local pod was deleted recently.
func (l *Lifecycle) IsDeleted(uid string) bool { return l.inFlight.isDeleted(uid) }

// waits reports whether the create request of a local pod is known to be stored.
func (l *Lifecycle) waits(pod *corev1.Pod) bool {
	if l.options.Waiting == nil {
		return false
	}
	_, ok := l.options.Waiting.Cached(pod)
	return ok
}

// letWait stores the request of a create that failed. It returns the error of the create if
// the pod cannot wait. The caller holds the lock of the pod.
func (l *Lifecycle) letWait(ctx context.Context, request *wire.CreateRequest, err error) (jid string, _ error) {
	if l.options.Waiting == nil || !errdefs.Is(err, errdefs.OverQuota) {
		return "", err
	}
	if err := l.options.Waiting.Accept(ctx, request, err); err != nil {
		return "", err
	}
	return l.options.Translate.Scope.Name(request.Pod.Name, string(request.Pod.UID)), nil
}

// status returns the status of one local pod. While its create is in flight here, nothing
// needs to be asked. The stored request of a pod that waits is
// removed after the remote pod exists, so it is looked for first.
func (l *Lifecycle) status(ctx context.Context, pod *corev1.Pod) (wire.PodStatus, error) {
	waiting := l.options.Waiting
	if waiting != nil {
		if state, ok := waiting.Cached(pod); ok {
			if remote := l.cluster.CachedPod(string(pod.UID)); remote == nil || !podstate.HasStarted(remote) {
				return status.OfWaiting(pod, state), nil
			}
		}
	}
	if l.inFlight.isCreating(string(pod.UID)) && l.cluster.CachedPod(string(pod.UID)) == nil {
		if l.waitsForMaintenance(string(pod.UID)) {
			return status.OfMaintenance(pod), nil
		}
		return status.OfCreating(pod), nil
	}
	remote, err := l.confirmedPod(ctx, pod)
	if err == nil && remote == nil && waiting != nil && pod.Annotations[wire.AnnotationJobID] != "" {
		var state status.Waiting
		var ok bool
		if state, ok, err = l.findWaiting(ctx, pod); ok {
			return status.OfWaiting(pod, state), nil
		}
		if err == nil { // another replica may have created the pod a moment ago
			remote, err = l.confirmedPod(ctx, pod)
		}
	}
	if err != nil {
		return wire.PodStatus{}, err
	}
	if remote == nil { // the watch may have seen how it ended
		remote = l.cluster.EndedPod(string(pod.UID))
	}
	options := l.options.Status
	if l.events != nil && remote != nil && status.MayExplain(remote) {
		options.Event = l.events.of(remote)
	}
	return options.Of(pod, remote), nil
}

func (l *Lifecycle) findWaiting(ctx context.Context, pod *corev1.Pod) (status.Waiting, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	state, ok, err := l.options.Waiting.Find(ctx, pod)
	if err != nil {
		err = fmt.Errorf("find the stored create request of %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return state, ok, err
}

// removeStored removes the stored create request of a local pod that is deleted, before its
// remote pods: then no replica can create a pod that this delete does not see. For a pod
// that was not created from a stored request it sends nothing, and returns false.
func (l *Lifecycle) removeStored(ctx context.Context, pod *corev1.Pod, remotes []*corev1.Pod) (removed bool, err error) {
	if l.options.Waiting == nil || !l.options.Waiting.MayWait(pod) && !slices.ContainsFunc(remotes, isFromStoredRequest) {
		return false, nil
	}
	if _, err := l.options.Waiting.Remove(ctx, pod); err != nil {
		return false, fmt.Errorf("delete the stored create request of %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return true, nil
}

// findForDelete asks the remote API server for the remote pod of a local pod that is
// deleted. removed is true if the stored create request of the pod was removed before;
// otherwise findForDelete removes it, if the pod was created from it or does not exist.
func (l *Lifecycle) findForDelete(ctx context.Context, pod *corev1.Pod, removed bool) (*corev1.Pod, error) {
	live, err := l.findByName(ctx, pod)
	if err != nil || removed || l.options.Waiting == nil || live != nil && !isFromStoredRequest(live) {
		return live, err
	}
	found, err := l.options.Waiting.Remove(ctx, pod)
	if err != nil {
		return nil, fmt.Errorf("delete the stored create request of %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	if live == nil && found { // a replica may have created the pod in the meantime
		return l.findByName(ctx, pod)
	}
	return live, nil
}

func isFromStoredRequest(pod *corev1.Pod) bool {
	return pod.Annotations[wire.AnnotationFromStoredRequest] != ""
}
