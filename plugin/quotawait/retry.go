package quotawait

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/backoff"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// ensureListed lists the markers, if that has not succeeded yet.
func (w *Waiting) ensureListed(ctx context.Context) error {
	if w.index.isFilled() {
		return nil
	}
	return backoff.Retry(ctx, w.list)
}

// create creates a Secret or a marker. It is not an error if an earlier call has created it.
func (w *Waiting) create(ctx context.Context, object metav1.Object) error {
	return backoff.Retry(ctx, func(ctx context.Context) error {
		_, err := w.cluster.Create(ctx, object)
		if !errdefs.Is(err, errdefs.Exists) {
			return err
		}
		found, getErr := w.cluster.Get(ctx, object)
		switch {
		case errdefs.Is(getErr, errdefs.NotFound):
			return errdefs.Wrap(errdefs.Unavailable, err)
		case getErr != nil:
			return getErr
		case found.GetLabels()[wire.LabelStoredRequest] == object.GetLabels()[wire.LabelStoredRequest]:
			return nil
		}
		return err
	})
}

// get returns the object of the same kind, namespace and name.
func (w *Waiting) get(ctx context.Context, object metav1.Object) (found metav1.Object, err error) {
	err = backoff.Retry(ctx, func(ctx context.Context) error {
		found, err = w.cluster.Get(ctx, object)
		return err
	})
	return found, err
}

// delete deletes an object with its UID. It is not an error if it is gone.
func (w *Waiting) delete(ctx context.Context, object metav1.Object) error {
	return backoff.Retry(ctx, func(ctx context.Context) error { return ignoreNotFound(w.cluster.Delete(ctx, object, nil, false)) })
}
