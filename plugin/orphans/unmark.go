package orphans

import (
	"context"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// unmarkWorkers is the number of marks that are removed at the same time.
	unmarkWorkers = 4
	// maxUnmarks limits the marks that wait to be removed. For those that have no place,
	// the next request about the pod is the next attempt.
	maxUnmarks = 10_000
)

// enqueueUnmarks has the marks of these pods removed, and returns at once.
func (o *Orphans) enqueueUnmarks(pods []*trackedPod) {
	for _, pod := range pods {
		select {
		case o.unmarks <- pod:
		default:
			o.evidence.unmarked(pod)
		}
	}
}

// removeMarks removes marks until ctx is done.
func (o *Orphans) removeMarks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case pod := <-o.unmarks:
			o.unmark(ctx, pod)
		}
	}
}

// unmark removes the mark of a pod that is asked about. A delete that is sent at the same
// time then fails, since the pod has another resource version.
func (o *Orphans) unmark(ctx context.Context, pod *trackedPod) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer o.evidence.unmarked(pod)
	err := o.cluster.MarkPod(ctx, podReference(pod), wire.AnnotationUnaskedSince, "", false)
	switch {
	case err == nil:
		o.log.Info("a remote pod is asked about again: its mark is removed", "remote", pod.namespace+"/"+pod.name, "uid", pod.localUID)
	case !errdefs.Is(err, errdefs.NotFound):
		o.log.Warn("cannot remove the mark of a remote pod that is asked about", "remote", pod.namespace+"/"+pod.name, "uid", pod.localUID, "error", err)
	}
}
