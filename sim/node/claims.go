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

// protectionFinalizer is the finalizer that an API server adds to every claim. The
// controller manager removes it from a deleted claim that no pod uses:
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
const protectionFinalizer = "kubernetes.io/pvc-protection"

// FinalizeUnusedClaims completes the deletion of the namespace's claims that no pod
// uses, on an API server without a controller manager: it removes their finalizer.
func FinalizeUnusedClaims(ctx context.Context, client kubernetes.Interface, namespace string) error {
	claims := client.CoreV1().PersistentVolumeClaims(namespace)
	list, err := claims.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("finalize claims of namespace %s: %w", namespace, err)
	}
	var terminating []*corev1.PersistentVolumeClaim
	for i := range list.Items {
		if c := &list.Items[i]; c.DeletionTimestamp != nil && slices.Contains(c.Finalizers, protectionFinalizer) {
			terminating = append(terminating, c)
		}
	}
	if len(terminating) == 0 {
		return nil
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("finalize claims of namespace %s: %w", namespace, err)
	}
	for _, claim := range terminating {
		if slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool { return usesClaim(&pod, claim.Name) }) {
			continue
		}
		claim.Finalizers = slices.DeleteFunc(claim.Finalizers, func(name string) bool { return name == protectionFinalizer })
		if _, err := claims.Update(ctx, claim, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("finalize claim %s/%s: %w", namespace, claim.Name, err)
		}
	}
	return nil
}

func usesClaim(pod *corev1.Pod, claim string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim
	})
}
