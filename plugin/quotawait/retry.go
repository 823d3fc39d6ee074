package quotawait

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// retry calls attempt until it succeeds, fails for good, or ctx is done.
func retry(ctx context.Context, attempt func() error) error {
	pause := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: 5 * time.Second}
	for {
		err := attempt()
		switch errdefs.KindOf(err) {
		case errdefs.Unavailable, errdefs.Conflict, errdefs.NotYet:
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause.Step()):
		}
	}
}

// create creates a Secret or a marker. It is not an error if an earlier call has created it.
func (w *Waiting) create(ctx context.Context, object metav1.Object) error {
	return retry(ctx, func() error {
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
	err = retry(ctx, func() error {
		found, err = w.cluster.Get(ctx, object)
		return err
	})
	return found, err
}

// delete deletes an object with its UID. It is not an error if it is gone.
func (w *Waiting) delete(ctx context.Context, object metav1.Object) error {
	return retry(ctx, func() error { return ignoreNotFound(w.cluster.Delete(ctx, object, nil, false)) })
}
