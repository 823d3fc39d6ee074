package orphans

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// checkPods marks the pods about which their virtual nodes have not asked for the grace,
// and deletes those that have been marked for a further grace. The first look cannot be
// enough: the requests of a node may go to another replica. That replica removes the mark
// when it is asked about the pod.
func (o *Orphans) checkPods(ctx context.Context) {
	if !o.cluster.Synced() {
		return
	}
	unmarked, marked := o.evidence.suspects(o.options.Grace)
	for i := range unmarked {
		if ctx.Err() == nil && o.mayGo(&unmarked[i]) {
			o.try(ctx, &unmarked[i], "mark", o.mark)
		}
	}
	for i := range marked {
		if ctx.Err() == nil && o.mayGo(&marked[i]) {
			o.try(ctx, &marked[i], "delete", o.deleteMarked)
		}
	}
	o.counts.setSearched(o.options.Now())
}

// mayGo reports whether a pod about which its node does not ask is an orphan: it has not
// ended, so that its node would ask; or it has ended, and is to be deleted after a time.
func (o *Orphans) mayGo(pod *trackedPod) bool {
	ttl := o.options.FinishedTTL
	return !pod.ended || ttl > 0 && o.options.Now().Sub(pod.finished) >= ttl
}

// try runs an action on a pod, and logs its failure. It is repeated with the next check.
func (o *Orphans) try(ctx context.Context, pod *trackedPod, verb string, action func(context.Context, *trackedPod) error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := action(ctx, pod)
	switch errdefs.KindOf(err) {
	case "", errdefs.NotFound, errdefs.Conflict: // it is gone, or it has changed: the next check sees
	default:
		o.log.Warn("cannot "+verb+" a pod about which its virtual node does not ask", "remote", pod.namespace+"/"+pod.name, "uid", pod.localUID, "error", err)
	}
}

// current returns a suspect pod as it is now. It returns nil if it is not the pod that the
// evidence is about, for example because it has been unmarked.
func (o *Orphans) current(ctx context.Context, pod *trackedPod) (*corev1.Pod, error) {
	found, err := o.cluster.Pod(ctx, pod.namespace, pod.name)
	if err != nil {
		return nil, err
	}
	if found.UID != pod.uid || !o.isOwn(found) || found.DeletionTimestamp != nil ||
		found.Annotations[wire.AnnotationSourceNode] != pod.node ||
		found.Annotations[wire.AnnotationUnaskedSince] != pod.mark || hasEnded(found) != pod.ended {
		return nil, nil
	}
	return found, nil
}

func (o *Orphans) mark(ctx context.Context, pod *trackedPod) error {
	found, err := o.current(ctx, pod)
	if err != nil || found == nil {
		return err
	}
	since := o.options.Now().UTC().Format(time.RFC3339Nano)
	if err := o.cluster.MarkPod(ctx, found, wire.AnnotationUnaskedSince, since, true); err != nil {
		return err
	}
	o.log.Info("the virtual node of a remote pod does not ask about the pod: it is marked", o.podAttributes(found)...)
	return nil
}

// deleteMarked deletes a pod that has been marked for a grace, as far as this process has
// seen, and by the time in the mark. A mark from the future is not believed: it is set
// again.
func (o *Orphans) deleteMarked(ctx context.Context, pod *trackedPod) error {
	since, err := time.Parse(time.RFC3339Nano, pod.mark)
	now := o.options.Now()
	if err != nil || since.After(now) {
		return o.mark(ctx, pod)
	}
	if now.Sub(since) < o.options.Grace || o.options.Report {
		return nil
	}
	found, err := o.current(ctx, pod)
	if err != nil || found == nil {
		return err
	}
	if err := o.cluster.Delete(ctx, found, nil, true); err != nil {
		return err
	}
	o.counts.addDeleted(pods)
	o.log.Warn("deleted a remote pod about which its virtual node does not ask any more", o.podAttributes(found)...)
	return nil
}

// podAttributes names a remote pod and its local pod in the log.
func (o *Orphans) podAttributes(pod *corev1.Pod) []any {
	return []any{
		"namespace", pod.Annotations[wire.AnnotationSourceNamespace], "name", pod.Annotations[wire.AnnotationSourceName],
		"uid", pod.Labels[wire.LabelPodUID], "node", pod.Annotations[wire.AnnotationSourceNode],
		"remote", pod.Namespace + "/" + pod.Name, "since", pod.Annotations[wire.AnnotationUnaskedSince],
	}
}

// podReference returns a pod that has only what identifies it.
func podReference(pod *trackedPod) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.namespace, Name: pod.name, UID: pod.uid}}
}
