package orphans

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// claim finds a claim that is to be deleted with its last pod, if no pod uses it.
func (l *look) claim(ctx context.Context, meta *metav1.ObjectMeta) error {
	l.used[meta.Namespace] = true
	if meta.Annotations[wire.AnnotationRetention] != translate.RetentionDelete || meta.DeletionTimestamp != nil || !l.isOld(meta) {
		return nil
	}
	used, err := l.isClaimUsed(ctx, meta.Namespace, meta.Name)
	if err == nil && !used {
		l.add(claims, meta, "its retention policy is delete, and no pod uses it")
	}
	return err
}

// isClaimUsed reports whether a pod uses a claim, or waits for a quota and will use it.
func (l *look) isClaimUsed(ctx context.Context, namespace, name string) (bool, error) {
	if err := l.failed[configMaps]; err != nil && !errdefs.Is(err, errdefs.Refused) { // without markers, no pod waits
		return false, fmt.Errorf("find the pods that wait for a quota: %w", err)
	}
	if err := l.mountedIn(ctx, namespace); err != nil {
		return false, err
	}
	return l.mounted[namespace][name] || l.awaited[namespace+"/"+name], nil
}

// isClaimUsed looks again, just before a claim is deleted: the pods that wait were listed before the
// claims, and a pod may have begun to wait in between. One that begins to wait later changes
// the claim, so that its delete fails. The markers are listed before the pods, since a pod exists
// before its marker is deleted.
func (o *Orphans) isClaimUsed(ctx context.Context, namespace, name string) (bool, error) {
	l := o.newLook(nil)
	l.each(ctx, configMaps, configMaps, o.options.Scope.Namespace, o.ofInstance(wire.LabelStoredRequest), func(meta *metav1.ObjectMeta) error {
		l.waitingFor(meta)
		return nil
	})
	return l.isClaimUsed(ctx, namespace, name)
}

// mountedIn finds the claims that the pods of a namespace use, also those of others.
func (l *look) mountedIn(ctx context.Context, namespace string) error {
	if l.mounted[namespace] != nil {
		return nil
	}
	used := map[string]bool{}
	err := l.cluster.EachPod(ctx, namespace, "", func(pod *corev1.Pod) error {
		for _, volume := range pod.Spec.Volumes {
			if volume.PersistentVolumeClaim != nil {
				used[volume.PersistentVolumeClaim.ClaimName] = true
			}
		}
		return nil
	})
	if err == nil {
		l.mounted[namespace] = used
	}
	return err
}
