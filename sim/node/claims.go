package node

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// protection is the finalizer that an API server gives every claim, and the
// controller manager takes away from one that is deleted and not in use:
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
const protection = "kubernetes.io/pvc-protection"

// FinalizeUnusedClaims does what a controller manager does about the claims of a
// namespace that are being deleted, on an API server that has none: those that no
// pod uses go.
func FinalizeUnusedClaims(ctx context.Context, client kubernetes.Interface, namespace string) error {
	claims := client.CoreV1().PersistentVolumeClaims(namespace)
	list, err := claims.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("release claims of namespace %s: %w", namespace, err)
	}
	var going []*corev1.PersistentVolumeClaim
	for i := range list.Items {
		if c := &list.Items[i]; c.DeletionTimestamp != nil && slices.Contains(c.Finalizers, protection) {
			going = append(going, c)
		}
	}
	if len(going) == 0 {
		return nil
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("release claims of namespace %s: %w", namespace, err)
	}
	for _, claim := range going {
		if slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool { return uses(&pod, claim.Name) }) {
			continue
		}
		claim.Finalizers = slices.DeleteFunc(claim.Finalizers, func(name string) bool { return name == protection })
		if _, err := claims.Update(ctx, claim, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("release claim %s/%s: %w", namespace, claim.Name, err)
		}
	}
	return nil
}

func uses(pod *corev1.Pod, claim string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim
	})
}
