//go:build e2e

package suite

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// deleteLeftBehind deletes a namespace that a plugin has created and that is empty, as a replay on this cluster
// leaves it. It reports whether the namespace is deleted; if not, it may be somebody's.
func (r *remoteCluster) deleteLeftBehind(ctx context.Context, namespace *corev1.Namespace) (deleted bool, err error) {
	if namespace.Labels["interlink.io"] != "offloading" || namespace.Labels["interlink.io/instance"] == "" {
		return false, nil
	}
	core, all := r.client.CoreV1(), metav1.ListOptions{}
	pods, err1 := core.Pods(namespace.Name).List(ctx, all)
	claims, err2 := core.PersistentVolumeClaims(namespace.Name).List(ctx, all)
	secrets, err3 := core.Secrets(namespace.Name).List(ctx, all)
	configMaps, err4 := core.ConfigMaps(namespace.Name).List(ctx, all)
	services, err5 := core.Services(namespace.Name).List(ctx, all)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return false, err
		}
	}
	objects := len(pods.Items) + len(claims.Items) + len(secrets.Items) + len(services.Items)
	for i := range configMaps.Items {
		if configMaps.Items[i].Name != "kube-root-ca.crt" { // Kubernetes has one in each namespace
			objects++
		}
	}
	if objects > 0 {
		return false, nil
	}
	err = core.Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &namespace.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, err
	}
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, waitTimeout, true, func(ctx context.Context) (bool, error) {
		_, err := core.Namespaces().Get(ctx, namespace.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	if err != nil {
		return false, fmt.Errorf("wait until namespace %s, which a replay has left, is deleted: %w", namespace.Name, err)
	}
	return true, nil
}
