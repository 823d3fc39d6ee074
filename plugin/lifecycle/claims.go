package lifecycle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// ensureClaims creates the claims of the pod that do not exist.
func (a *createAttempt) ensureClaims(ctx context.Context) error {
	a.claims = make([]*corev1.PersistentVolumeClaim, len(a.objects.Claims))
	return inParallel(ctx, a.objects.Claims, func(ctx context.Context, n int, claim translate.Claim) (err error) {
		a.claims[n], err = a.ensureClaim(ctx, claim)
		return err
	})
}

// ensureClaim creates a persistent volume claim of the pod if it does not exist.
func (a *createAttempt) ensureClaim(ctx context.Context, claim translate.Claim) (found *corev1.PersistentVolumeClaim, err error) {
	namespace := a.objects.Pod.Namespace
	again := a.checkNamespaceAgain()
	err = retry(ctx, func(ctx context.Context) (err error) {
		if err := again(ctx); err != nil {
			return err
		}
		found, err = a.lifecycle.findClaim(ctx, namespace, claim.Name)
		switch {
		case err != nil || found != nil:
			return err
		case claim.Object == nil && claim.ByRule:
			return errdefs.New(errdefs.Invalid,
				"persistent volume claim %s does not exist in the remote namespace %s: the site must create it, since its rules give it to the pod ([offloading] claims)",
				claim.Name, namespace)
		case claim.Object == nil:
			return errdefs.New(errdefs.Invalid,
				"persistent volume claim %s does not exist in the remote namespace %s, and the pod has no template for it (annotation %s.%s)",
				claim.Name, namespace, wire.AnnotationRemotePVC, claim.Name)
		}
		a.mayHaveCreatedClaims.Store(true)
		created, err := a.lifecycle.cluster.Create(ctx, claim.Object)
		switch {
		case err == nil:
			found = claim.Object.DeepCopy()
			found.UID = created.GetUID()
			return nil
		case !errdefs.Is(err, errdefs.Exists):
			return err
		}
		// Another pod's create was first, or the answer to an earlier create was lost.
		found, err = a.lifecycle.findClaim(ctx, namespace, claim.Name)
		if err == nil && found == nil {
			return errdefs.New(errdefs.Unavailable, "persistent volume claim %s/%s was deleted a moment ago", namespace, claim.Name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, a.checkOwner(found, claim.NotOfSite)
}

// keepClaim makes sure that no delete of another pod deletes a claim that this pod uses.
// Such a delete looks at the claim, then for pods that use it, and then deletes the
// claim if it is unchanged ([Lifecycle.releaseClaim]). keepClaim changes the claim when
// the pod exists: so either that delete finds the pod, or finds the claim changed, or
// keepClaim finds the claim gone. No lock could do this for two replicas, or would be
// free while a request hangs.
//
// If the claim is gone, keepClaim deletes the pod, which could be on a node by now, where
// it would wait for that claim for ever. The create then starts again from the beginning. A pod
// of another create stays, since its caller may have the answer: only its claim is created
// again.
func (a *createAttempt) keepClaim(ctx context.Context, _ int, claim *corev1.PersistentVolumeClaim) error {
	if !mayBeDeleted(claim) {
		return nil
	}
	return retry(ctx, func(ctx context.Context) error {
		kept, err := a.lifecycle.cluster.AnnotateClaim(ctx, claim, wire.AnnotationUsedBy, string(a.pod.UID))
		switch {
		case err == nil && kept.DeletionTimestamp == nil:
			return nil
		case err != nil && !errdefs.Is(err, errdefs.NotFound):
			return err
		}
		pod, err := a.lifecycle.cluster.Pod(ctx, a.pod.Namespace, a.pod.Name)
		switch {
		case errdefs.Is(err, errdefs.NotFound), err == nil && pod.UID != a.pod.UID:
			return errPodGone
		case err != nil:
			return err
		case podstate.HasStarted(pod), !a.created(pod) && pod.Spec.NodeName != "": // Kubernetes keeps the claim until the pod has ended
			return nil
		case !a.created(pod):
			return errClaimGone
		}
		if err := a.lifecycle.cluster.Delete(ctx, pod, nil, true); err != nil && !errdefs.Is(err, errdefs.NotFound) {
			return err
		}
		a.log.Info("another pod's delete has deleted a claim of the pod: the create starts again", "claim", claim.Name)
		return errPodGone
	})
}

// errClaimGone is the error of a step that finds that a claim of the pod does not exist any more.
var errClaimGone = errdefs.New(errdefs.NotFound, "a claim of the pod was deleted while the pod was created")

// mayBeDeleted reports whether a delete or the rollback of a create can delete a claim: a
// rollback deletes what its create has made, whatever the policy of the claim. No plugin
// deletes a claim that no plugin created.
func mayBeDeleted(claim *corev1.PersistentVolumeClaim) bool {
	return claim.Labels[wire.LabelOffloading] == wire.Offloading
}

// isDeletedWhenUnused reports whether the plugin deletes a claim when no pod uses it any
// more. It keeps a claim that no plugin created, because it belongs to the site.
func isDeletedWhenUnused(claim *corev1.PersistentVolumeClaim) bool {
	return mayBeDeleted(claim) && claim.Annotations[wire.AnnotationRetention] == translate.RetentionDelete
}

// checkOwner refuses a claim that another installation of the plugin made, or that was
// created for a pod of another local namespace. Two local clusters may have the same remote
// namespace, and in single-namespace mode all local namespaces have: pods must not share data
// only because their claims have the same name. A claim that the site created is for all
// pods, unless its rules say why not.
func (a *createAttempt) checkOwner(claim *corev1.PersistentVolumeClaim, notOfSite string) error {
	if notOfSite != "" && claim.Labels[wire.LabelOffloading] != wire.Offloading {
		return errdefs.New(errdefs.Refused, "persistent volume claim %s/%s is not for this pod: %s", claim.Namespace, claim.Name, notOfSite)
	}
	if instance := a.lifecycle.otherInstance(claim); instance != "" {
		return errdefs.New(errdefs.Refused, "persistent volume claim %s/%s was created by another installation of the plugin (instance %s)", claim.Namespace, claim.Name, instance)
	}
	if belongsToOtherNamespace(claim, a.objects.Pod.Annotations[wire.AnnotationSourceNamespace]) {
		return errdefs.New(errdefs.Refused, "persistent volume claim %s/%s was created for a pod of another local namespace", claim.Namespace, claim.Name)
	}
	return nil
}

// otherInstance returns the installation of the plugin that created a claim, if it is another
// one. The claims of the Python plugin name none.
func (l *Lifecycle) otherInstance(claim *corev1.PersistentVolumeClaim) string {
	instance := claim.Labels[wire.LabelInstance]
	if claim.Labels[wire.LabelOffloading] != wire.Offloading || instance == l.options.Translate.Scope.Instance {
		return ""
	}
	return instance
}

// belongsToOtherNamespace reports whether a claim was created for a pod of another
// local namespace.
func belongsToOtherNamespace(claim *corev1.PersistentVolumeClaim, namespace string) bool {
	source := claim.Annotations[wire.AnnotationSourceNamespace]
	return claim.Labels[wire.LabelOffloading] == wire.Offloading && source != "" && source != namespace
}

// findClaim returns a claim, or nil if it does not exist. If the claim is being
// deleted, findClaim waits until it is deleted: no pod can be scheduled with it.
func (l *Lifecycle) findClaim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	var found *corev1.PersistentVolumeClaim
	err := retry(ctx, func(ctx context.Context) (err error) {
		found, err = l.cluster.Claim(ctx, namespace, name)
		if err == nil && found.DeletionTimestamp != nil {
			return errdefs.New(errdefs.Unavailable, "persistent volume claim %s/%s is being deleted", namespace, name)
		}
		return err
	})
	if errdefs.Is(err, errdefs.NotFound) {
		return nil, nil
	}
	return found, err
}

// releaseClaim deletes a claim if its policy says so and no other pod uses it. It
// keeps a claim that another installation of the plugin made, or that was created for a pod
// of another local namespace.
func (l *Lifecycle) releaseClaim(ctx context.Context, name string, pod *corev1.Pod) error {
	namespace, uid := l.remoteNamespace(pod), string(pod.UID)
	claim, err := l.cluster.Claim(ctx, namespace, name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil
	case err != nil:
		return err
	case !isDeletedWhenUnused(claim), l.otherInstance(claim) != "", belongsToOtherNamespace(claim, pod.Namespace):
		return nil
	}
	return l.deleteUnused(ctx, claim, uid)
}

// deleteUnused deletes a claim if no pod uses it, other than the pod with the given
// UID, and the claim is unchanged: the error is of kind Conflict if a create has begun
// to use it (see keepClaim).
func (l *Lifecycle) deleteUnused(ctx context.Context, claim *corev1.PersistentVolumeClaim, uid string) error {
	used, err := l.isClaimUsed(ctx, claim.Namespace, claim.Name, uid)
	if err != nil {
		return fmt.Errorf("check whether another pod uses persistent volume claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	if used {
		return nil
	}
	if err := l.cluster.Delete(ctx, claim, nil, true); !errdefs.Is(err, errdefs.NotFound) {
		return err
	}
	return nil
}

// isClaimUsed reports whether an offloaded pod, or one that waits for a quota, uses a claim,
// other than the pod with the given UID. It ignores pods that are being deleted: their own delete releases the
// claim, and Kubernetes keeps the claim until the pod has ended.
func (l *Lifecycle) isClaimUsed(ctx context.Context, namespace, name, uid string) (bool, error) {
	if l.options.Waiting != nil {
		if used, err := l.options.Waiting.UsesClaim(ctx, namespace, name, uid); used || err != nil {
			return used, err
		}
	}
	pods, err := l.cluster.ListPods(ctx, namespace)
	if err != nil {
		return false, err
	}
	for i := range pods {
		if pods[i].Labels[wire.LabelPodUID] == uid || pods[i].DeletionTimestamp != nil {
			continue
		}
		for _, volume := range pods[i].Spec.Volumes {
			if volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == name {
				return true, nil
			}
		}
	}
	return false, nil
}
