package lifecycle

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// ensureClaim creates a persistent volume claim of the pod if it does not exist. The
// caller holds the lock of the claim.
func (a *createAttempt) ensureClaim(ctx context.Context, claim translate.Claim) error {
	namespace := a.objects.Pod.Namespace
	existing, err := a.lifecycle.findClaim(ctx, namespace, claim.Name)
	switch {
	case err != nil:
		return err
	case existing != nil:
		return a.checkNamespace(existing)
	case claim.Object == nil:
		return errdefs.New(errdefs.Invalid,
			"persistent volume claim %s does not exist in the remote namespace %s, and the pod has no template for it (annotation %s.%s)",
			claim.Name, namespace, wire.AnnotationRemotePVC, claim.Name)
	}
	err = retry(ctx, func(ctx context.Context) error {
		a.mayHaveCreatedClaims.Store(true)
		_, err := a.lifecycle.cluster.Create(ctx, claim.Object)
		return err
	})
	if !errdefs.Is(err, errdefs.Exists) {
		return err
	}
	// Another replica created the claim first, or the answer to an earlier create was lost.
	existing, err = a.lifecycle.findClaim(ctx, namespace, claim.Name)
	if err != nil || existing == nil {
		return err
	}
	return a.checkNamespace(existing)
}

// checkNamespace refuses a claim that was created for a pod of another local
// namespace. In single-namespace mode all local namespaces share one remote namespace,
// and pods must not share data only because their claims have the same name. A claim
// that the site created is for all pods.
func (a *createAttempt) checkNamespace(claim *corev1.PersistentVolumeClaim) error {
	if belongsToOtherNamespace(claim, a.objects.Pod.Annotations[wire.AnnotationSourceNamespace]) {
		return errdefs.New(errdefs.Refused, "persistent volume claim %s/%s was created for a pod of another local namespace", claim.Namespace, claim.Name)
	}
	return nil
}

// belongsToOtherNamespace reports whether a claim was created for a pod of another
// local namespace.
func belongsToOtherNamespace(claim *corev1.PersistentVolumeClaim, namespace string) bool {
	source := claim.Annotations[wire.AnnotationSourceNamespace]
	return claim.Labels[wire.LabelOffloading] == wire.Offloading && source != "" && source != namespace
}

// lockClaims locks all claims of a pod, so that no delete removes a claim after a
// create has found it and before the pod that uses it exists.
func (l *Lifecycle) lockClaims(ctx context.Context, objects *translate.Objects) (unlock func(), err error) {
	var names []string
	for _, claim := range objects.Claims {
		names = append(names, objects.Pod.Namespace+"/"+claim.Name)
	}
	slices.Sort(names) // the same order for all callers prevents a deadlock
	var unlocks []func()
	unlock = func() {
		for _, unlockOne := range unlocks {
			unlockOne()
		}
	}
	for _, name := range names {
		unlockOne, err := l.claimLocks.lock(ctx, name)
		if err != nil {
			unlock()
			return nil, err
		}
		unlocks = append(unlocks, unlockOne)
	}
	return unlock, nil
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
// keeps a claim that no plugin created, because it belongs to the site, and a claim
// that was created for a pod of another local namespace.
func (l *Lifecycle) releaseClaim(ctx context.Context, name string, pod *corev1.Pod) error {
	namespace, uid := l.remoteNamespace(pod), string(pod.UID)
	unlock, err := l.claimLocks.lock(ctx, namespace+"/"+name)
	if err != nil {
		return err
	}
	defer unlock()
	claim, err := l.cluster.Claim(ctx, namespace, name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil
	case err != nil:
		return err
	case claim.Labels[wire.LabelOffloading] != wire.Offloading, belongsToOtherNamespace(claim, pod.Namespace),
		claim.Annotations[wire.AnnotationRetention] != translate.RetentionDelete:
		return nil
	}
	return l.deleteUnused(ctx, claim, uid)
}

// deleteUnused deletes a claim if no pod uses it, other than the pod with the given
// UID. The caller holds the lock of the claim.
func (l *Lifecycle) deleteUnused(ctx context.Context, claim *corev1.PersistentVolumeClaim, uid string) error {
	used, err := l.isClaimUsed(ctx, claim.Namespace, claim.Name, uid)
	if err != nil {
		return fmt.Errorf("check whether another pod uses persistent volume claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	if used {
		return nil
	}
	if err := l.cluster.Delete(ctx, claim, nil, false); !errdefs.Is(err, errdefs.NotFound) {
		return err
	}
	return nil
}

// isClaimUsed reports whether an offloaded pod uses a claim, other than the pod with
// the given UID. It ignores pods that are being deleted: their own delete releases the
// claim, and Kubernetes keeps the claim until the pod has ended.
func (l *Lifecycle) isClaimUsed(ctx context.Context, namespace, name, uid string) (bool, error) {
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
