package lifecycle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// claim makes sure that a persistent volume claim is there. The caller holds
// its lock.
func (c *creation) claim(ctx context.Context, claim translate.Claim) error {
	namespace := c.objects.Pod.Namespace
	existing, err := c.lifecycle.findClaim(ctx, namespace, claim.Name)
	switch {
	case err != nil:
		return err
	case existing != nil:
		return c.permitted(existing)
	case claim.Object == nil:
		return errdefs.New(errdefs.Invalid,
			"persistent volume claim %s is not in the remote namespace %s, and the pod does not say how to make it (annotation %s.%s)",
			claim.Name, namespace, wire.AnnotationRemotePVC, claim.Name)
	}
	if _, err = c.create(ctx, claim.Object); !errdefs.Is(err, errdefs.Exists) {
		return err
	}
	// Another replica was faster, or an answer was lost.
	existing, err = c.lifecycle.findClaim(ctx, namespace, claim.Name)
	if err != nil || existing == nil {
		return err
	}
	return c.permitted(existing)
}

// permitted refuses a claim that a pod of another local namespace brought along:
// in single-namespace mode they share the remote one, and must not share data
// because of equal names. A claim that the site made itself is for all.
func (c *creation) permitted(claim *corev1.PersistentVolumeClaim) error {
	if foreign(claim, c.objects.Pod.Annotations[wire.AnnotationSourceNamespace]) {
		return errdefs.New(errdefs.Refused, "persistent volume claim %s/%s belongs to pods of another local namespace", claim.Namespace, claim.Name)
	}
	return nil
}

// foreign says whether a pod of another local namespace brought a claim along.
func foreign(claim *corev1.PersistentVolumeClaim, namespace string) bool {
	owner := claim.Annotations[wire.AnnotationSourceNamespace]
	return claim.Labels[wire.LabelOffloading] == wire.Offloading && owner != "" && owner != namespace
}

// findClaim returns a claim, or nil when there is none. One that is being deleted
// is waited for: no pod can be scheduled with it, and a moment later it is gone.
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

// releaseClaim deletes a claim with the last pod that uses it, if its policy
// says so. A claim that no plugin made is the site's and stays, and so does one
// that a pod of another local namespace brought along.
func (l *Lifecycle) releaseClaim(ctx context.Context, name string, pod *corev1.Pod) error {
	namespace, uid := l.remoteNamespace(pod), string(pod.UID)
	unlock, err := l.claims.lock(ctx, namespace+"/"+name)
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
	case claim.Labels[wire.LabelOffloading] != wire.Offloading, foreign(claim, pod.Namespace),
		claim.Annotations[wire.AnnotationRetention] != translate.RetentionDelete:
		return nil
	}
	return l.deleteUnused(ctx, claim, uid)
}

// deleteUnused deletes a claim unless a pod other than that of the given UID uses
// it. The caller holds its lock.
func (l *Lifecycle) deleteUnused(ctx context.Context, claim *corev1.PersistentVolumeClaim, uid string) error {
	used, err := l.claimUsed(ctx, claim.Namespace, claim.Name, uid)
	if err != nil {
		return fmt.Errorf("see whether another pod uses persistent volume claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	if used {
		return nil
	}
	return l.cluster.DeleteClaim(ctx, claim.Namespace, claim.Name, claim.UID)
}

// claimUsed says whether an offloaded pod other than that of the given UID uses
// a claim. One that is being deleted does not count: its own delete decides, and
// Kubernetes keeps the claim until the pod has ended.
func (l *Lifecycle) claimUsed(ctx context.Context, namespace, name, uid string) (bool, error) {
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
