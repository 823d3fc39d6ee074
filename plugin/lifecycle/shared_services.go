package lifecycle

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// maxServiceOwners limits the pods that own one Service: when one of them is deleted, the garbage
// collector asks for each of the others, and it has some 40 requests a second for all objects of
// the cluster.
const maxServiceOwners = 256

// ensureShared creates the Service of a name that the pod uses, or adds the pod to the owners of
// the Service that other pods made. The garbage collector deletes it with its last owner.
func (a *createAttempt) ensureShared(ctx context.Context, wanted *corev1.Service) error {
	return retry(ctx, func(ctx context.Context) error {
		_, err := a.lifecycle.cluster.Create(ctx, wanted)
		if !errdefs.Is(err, errdefs.Exists) {
			return err
		}
		found, err := a.lifecycle.cluster.Get(ctx, wanted)
		switch {
		case errdefs.Is(err, errdefs.NotFound):
			return serviceGone(wanted)
		case err != nil:
			return err
		}
		existing, ok := found.(*corev1.Service)
		if !ok {
			return errdefs.New(errdefs.Internal, "%T is not a Service", found)
		}
		switch why := translate.CanShare(existing, wanted); {
		case why != "":
			return errdefs.New(errdefs.Exists, "service %s/%s exists, and the pod cannot use it: %s", wanted.Namespace, wanted.Name, why)
		case existing.DeletionTimestamp != nil:
			return serviceGone(wanted)
		case isOwnedBy(existing, a.pod.UID):
			return nil
		case len(existing.OwnerReferences) >= maxServiceOwners:
			return errdefs.New(errdefs.Refused, "service %s/%s has %d pods already, and no more are possible", wanted.Namespace, wanted.Name, maxServiceOwners)
		}
		err = a.lifecycle.cluster.AddOwner(ctx, existing, wanted.OwnerReferences[0])
		if errdefs.Is(err, errdefs.NotFound) {
			return serviceGone(wanted)
		}
		return err
	})
}

// serviceGone is the error of a Service whose last pod is gone: it can be created again.
func serviceGone(service *corev1.Service) error {
	return errdefs.New(errdefs.Unavailable, "service %s/%s is being deleted, with the last pod that used it", service.Namespace, service.Name)
}
