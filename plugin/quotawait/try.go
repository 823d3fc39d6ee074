package quotawait

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/backoff"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// try looks at one marker, and does what is next:
//
//	the local pod was deleted       delete the Secret, the pod if there is one, and the marker
//	the pod can never be created    keep the marker for a while: the status says why
//	another replica works on it     nothing
//	the Secret is gone              the pod was created: delete the marker
//	otherwise                       hold it, create the pod, delete the Secret, then the marker
//
// The error is of kind OverQuota if the pod still has to wait.
func (w *Waiting) try(ctx context.Context, creator Creator, k key) error {
	found, err := w.cluster.Get(ctx, &corev1.ConfigMap{ObjectMeta: k.meta()})
	if errdefs.Is(err, errdefs.NotFound) {
		w.index.remove(k)
		return nil
	}
	marker, ok := found.(*corev1.ConfigMap)
	if err != nil || !ok {
		return err
	}
	e := w.index.put(k, stateOf(marker), time.Now())
	if e.ended == "" && creator.IsDeleted(e.uid) { // before this replica knew of the marker
		if _, err := w.markDeleted(ctx, k, e.uid); err != nil {
			return err
		}
		e.ended = wire.WaitEndedByDelete
	}
	switch {
	case e.ended == wire.WaitEndedByDelete:
		return w.finishDelete(ctx, k, marker)
	case e.ended != "":
		return w.finishFailure(ctx, k, marker)
	case e.holder != "" && !w.isOwn(e.holder) && time.Since(e.holderSeen) < w.timing.hold:
		return nil
	case w.paused():
		return nil
	}
	return w.createPod(ctx, creator, k, marker)
}

// isOwn reports whether a holder is this process.
func (w *Waiting) isOwn(holder string) bool {
	return len(holder) > len(w.replica) && holder[:len(w.replica)] == w.replica
}

// finishDelete deletes what is left of a pod that was deleted while it waited.
func (w *Waiting) finishDelete(ctx context.Context, k key, marker *corev1.ConfigMap) error {
	if err := w.deleteSecret(ctx, k, stateOf(marker).uid); err != nil {
		return err
	}
	found, err := w.cluster.Get(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, Name: k.name[:len(k.name)-len(suffix)]}})
	if err == nil && found.GetLabels()[wire.LabelPodUID] == stateOf(marker).uid && found.GetAnnotations()[wire.AnnotationFromStoredRequest] != "" &&
		found.GetDeletionTimestamp() == nil {
		err = w.delete(ctx, found)
	}
	if err := ignoreNotFound(err); err != nil {
		return err
	}
	return w.deleteMarker(ctx, k, marker)
}

// finishFailure deletes the request of a pod that can never be created, and later the marker:
// the local pod has ended when its status was asked for once.
func (w *Waiting) finishFailure(ctx context.Context, k key, marker *corev1.ConfigMap) error {
	if err := w.deleteSecret(ctx, k, stateOf(marker).uid); err != nil {
		return err
	}
	w.index.settle(k)
	if e, ok := w.index.find(k); ok && w.isKept(&e) {
		return nil
	}
	return w.deleteMarker(ctx, k, marker)
}

// isKept reports whether the marker of a pod that can never be created is kept: its status has to
// say why.
func (w *Waiting) isKept(e *entry) bool {
	return time.Since(e.endedSeen) < w.timing.keepFailed && (e.reported.IsZero() || time.Since(e.reported) < w.timing.keepReported)
}

func (w *Waiting) deleteSecret(ctx context.Context, k key, uid string) error {
	secret, err := w.get(ctx, &corev1.Secret{ObjectMeta: k.meta()})
	if err == nil && secret.GetLabels()[wire.LabelStoredRequest] == uid {
		err = w.delete(ctx, secret)
	}
	return ignoreNotFound(err)
}

func (w *Waiting) deleteMarker(ctx context.Context, k key, marker *corev1.ConfigMap) error {
	if err := w.delete(ctx, marker); err != nil {
		return err
	}
	w.index.remove(k)
	return nil
}

// createPod creates the pod of a stored request, if no other replica does so.
func (w *Waiting) createPod(ctx context.Context, creator Creator, k key, marker *corev1.ConfigMap) error {
	holder := w.replica + " " + strconv.FormatInt(time.Now().UnixNano(), 36)
	err := w.cluster.AnnotateConfigMap(ctx, marker, map[string]any{wire.AnnotationHolder: holder}, true)
	if errdefs.Is(err, errdefs.Conflict) || errdefs.Is(err, errdefs.NotFound) {
		return nil // another replica, or a delete, was faster: the next try looks again
	}
	if err != nil {
		if ctx.Err() != nil {
			w.release(ctx, k, holder)
		}
		return err
	}
	since := time.Now()
	secret, err := w.get(ctx, &corev1.Secret{ObjectMeta: k.meta()})
	if errdefs.Is(err, errdefs.NotFound) {
		return w.deleteMarker(ctx, k, marker)
	}
	var request *wire.CreateRequest
	if err == nil {
		request, err = decode(w.options.Scope, secret)
	}
	if err == nil {
		err = creator.CreateStored(ctx, request, func(ctx context.Context) (bool, error) {
			if time.Since(since) > w.timing.hold {
				return false, errdefs.New(errdefs.Unavailable, "the creation took too long: another replica may complete it")
			}
			return w.commit(ctx, k, secret)
		})
	}
	return w.finish(ctx, k, marker, err)
}

// release lets go of a pod if the request to hold it had no answer when this process began
// to stop. Without it, the pod would wait until the hold ends by itself.
func (w *Waiting) release(ctx context.Context, k key, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	found, err := w.cluster.Get(ctx, &corev1.ConfigMap{ObjectMeta: k.meta()})
	if marker, ok := found.(*corev1.ConfigMap); err == nil && ok && stateOf(marker).holder == holder {
		err = w.cluster.AnnotateConfigMap(ctx, marker, map[string]any{wire.AnnotationHolder: nil}, true)
	}
	if err := ignoreNotFound(err); err != nil {
		w.log.Info("a stopped replica still holds a pod that waits: another replica creates it later", "secret", k.String(), "error", err)
	}
}

// commit deletes the Secret of a request whose pod was created. kept is false if a delete of
// the local pod came before. A delete writes on the marker before it deletes the Secret; so
// if the Secret is gone and the marker does not say so, an earlier request of this commit
// deleted it, and the answer was lost.
func (w *Waiting) commit(ctx context.Context, k key, secret metav1.Object) (kept bool, err error) {
	err = backoff.Retry(ctx, func(ctx context.Context) error { return w.cluster.Delete(ctx, secret, nil, false) })
	if !errdefs.Is(err, errdefs.NotFound) {
		return err == nil, err
	}
	marker, err := w.get(ctx, &corev1.ConfigMap{ObjectMeta: k.meta()})
	if errdefs.Is(err, errdefs.NotFound) {
		return false, nil
	}
	return err == nil && stateOf(marker).ended != wire.WaitEndedByDelete, err
}

// finish writes the result of a try on the marker. It uses a context of its own, so that a
// plugin that stops holds no pod.
func (w *Waiting) finish(ctx context.Context, k key, marker *corev1.ConfigMap, result error) error {
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	change := map[string]any{wire.AnnotationHolder: nil}
	s := stateOf(marker)
	s.holder = ""
	switch kind := errdefs.KindOf(result); {
	case result == nil:
		return w.deleteMarker(ctx, k, marker)
	case stopped:
	case kind == errdefs.OverQuota:
		if refused, ok := refusalOf(result); ok {
			s.refusal = refused.text
			change[wire.AnnotationRefusal] = s.refusal
		}
	case kind == errdefs.Canceled: // a delete came
		s.ended = wire.WaitEndedByDelete
		change[wire.AnnotationWaitEnded] = s.ended
	case isFinal(kind):
		s.ended = result.Error()
		change[wire.AnnotationWaitEnded] = s.ended
		w.log.Warn("a pod that waited for a quota cannot be created", "secret", k.String(), "error", result)
	}
	err := backoff.Retry(ctx, func(ctx context.Context) error { return w.cluster.AnnotateConfigMap(ctx, marker, change, false) })
	switch {
	case errdefs.Is(err, errdefs.NotFound): // a delete came, and was completed
		w.index.remove(k)
		return nil
	case err != nil:
		return errors.Join(result, fmt.Errorf("write the result of a create on the marker %s: %w", k, err))
	}
	w.index.put(k, s, time.Now())
	if s.ended != "" {
		w.wake(k.namespace)
		return nil
	}
	return result
}

// isFinal reports whether a create that failed with an error of a kind can never succeed.
func isFinal(kind errdefs.Kind) bool {
	switch kind {
	case errdefs.Invalid, errdefs.Refused, errdefs.Exists, errdefs.NotFound, errdefs.TooLarge:
		return true
	}
	return false
}
