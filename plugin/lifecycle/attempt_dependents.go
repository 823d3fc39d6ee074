package lifecycle

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// maxParallelCreates limits the creates of one pod's dependents at the same time.
const maxParallelCreates = 8

// inParallel calls do for each item and its index, and returns the first error.
func inParallel[T any](ctx context.Context, items []T, do func(context.Context, int, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelCreates)
	for n, item := range items {
		group.Go(func() error { return do(ctx, n, item) })
	}
	return group.Wait()
}

// ensureDependent creates a ConfigMap, a Secret or a Service that the pod owns. An object
// with that name that this pod does not own is a remainder of an earlier create: the
// garbage collector is about to delete it, or an earlier version of the plugin created
// it. It is deleted and created again.
func (a *createAttempt) ensureDependent(ctx context.Context, _ int, object metav1.Object) error {
	object.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: a.pod.Name, UID: a.pod.UID}})
	if service, ok := object.(*corev1.Service); ok && translate.IsShared(service) {
		return a.ensureShared(ctx, service)
	}
	return retry(ctx, func(ctx context.Context) error {
		_, err := a.lifecycle.cluster.Create(ctx, object)
		if !errdefs.Is(err, errdefs.Exists) {
			return err
		}
		found, err := a.lifecycle.cluster.Get(ctx, object)
		switch {
		case errdefs.Is(err, errdefs.NotFound):
		case err != nil:
			return err
		case isOwnedBy(found, a.pod.UID):
			return nil
		case found.GetLabels()[wire.LabelPodUID] != a.uid:
			return errdefs.New(errdefs.Exists, "%s %s/%s exists, but the plugin did not create it: it does not have the label %s",
				scope.ResourceOf(object), object.GetNamespace(), object.GetName(), wire.LabelPodUID)
		default:
			if err := a.checkPod(ctx); err != nil {
				return err
			}
			if err := a.lifecycle.cluster.Delete(ctx, found, nil, false); err != nil && !errdefs.Is(err, errdefs.NotFound) {
				return err
			}
		}
		return errdefs.New(errdefs.Unavailable, "%s %s/%s of an earlier create is still being deleted",
			scope.ResourceOf(object), object.GetNamespace(), object.GetName())
	})
}

// checkPod returns errPodGone if the pod does not exist any more: what another pod of the
// same name owns must not be deleted.
func (a *createAttempt) checkPod(ctx context.Context) error {
	pod, err := a.lifecycle.cluster.Pod(ctx, a.pod.Namespace, a.pod.Name)
	if errdefs.Is(err, errdefs.NotFound) || err == nil && pod.UID != a.pod.UID {
		return errPodGone
	}
	return err
}

// isOwnedBy reports whether the pod with a UID owns an object.
func isOwnedBy(object metav1.Object, pod types.UID) bool {
	return slices.ContainsFunc(object.GetOwnerReferences(), func(owner metav1.OwnerReference) bool { return owner.UID == pod })
}
