package quotawait

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/backoff"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// keepClaims makes sure that no delete of another pod deletes a persistent volume claim that
// a pod which begins to wait will use. Such a delete looks at the claim, then for pods that wait
// (UsesClaim), and then deletes the claim if it is unchanged. keepClaims changes the claim
// when the marker exists: so either that delete finds the marker, or finds the claim changed. If
// the claim is gone, it was deleted before the pod was accepted.
func (w *Waiting) keepClaims(ctx context.Context, namespace string, pod *corev1.Pod) error {
	for _, name := range w.options.Claims(pod) {
		found, err := w.get(ctx, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
		claim, ok := found.(*corev1.PersistentVolumeClaim)
		if err == nil && ok && claim.Labels[wire.LabelOffloading] == wire.Offloading { // no plugin deletes another one
			err = backoff.Retry(ctx, func(ctx context.Context) error {
				_, err := w.cluster.AnnotateClaim(ctx, claim, wire.AnnotationUsedBy, string(pod.UID))
				return err
			})
		}
		if err != nil && !errdefs.Is(err, errdefs.NotFound) {
			return err
		}
	}
	return nil
}
