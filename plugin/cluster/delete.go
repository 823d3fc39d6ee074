package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// DeletePods deletes the pods that match a selector of plugin/scope. It is not an
// error if there are none. grace is in seconds; with nil, each pod's own grace
// period applies.
func (c *Cluster) DeletePods(ctx context.Context, namespace, selector string, grace *int64) error {
	err := c.client.CoreV1().Pods(namespace).DeleteCollection(ctx,
		metav1.DeleteOptions{GracePeriodSeconds: grace}, metav1.ListOptions{LabelSelector: selector})
	return wrap(err, "delete", fmt.Sprintf("pods of %s in namespace %s", selector, namespace))
}

// DeleteConfigMaps deletes the ConfigMaps that match a selector.
func (c *Cluster) DeleteConfigMaps(ctx context.Context, namespace, selector string) error {
	err := c.client.CoreV1().ConfigMaps(namespace).DeleteCollection(ctx,
		metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector})
	return wrap(err, "delete", fmt.Sprintf("ConfigMaps of %s in namespace %s", selector, namespace))
}

// DeleteSecrets deletes the Secrets that match a selector.
func (c *Cluster) DeleteSecrets(ctx context.Context, namespace, selector string) error {
	err := c.client.CoreV1().Secrets(namespace).DeleteCollection(ctx,
		metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector})
	return wrap(err, "delete", fmt.Sprintf("secrets of %s in namespace %s", selector, namespace))
}

// DeleteClaim deletes the persistent volume claim with this UID, and never a later
// claim with the same name. It is not an error if the claim does not exist any more.
func (c *Cluster) DeleteClaim(ctx context.Context, namespace, name string, uid types.UID) error {
	err := c.client.CoreV1().PersistentVolumeClaims(namespace).Delete(ctx, name, onlyUID(uid))
	if alreadyGone(err) {
		return nil
	}
	return wrap(err, "delete", fmt.Sprintf("persistent volume claim %s/%s", namespace, name))
}

// DeleteService deletes the Service with this UID, and never a later Service with
// the same name. It is not an error if the Service does not exist any more.
func (c *Cluster) DeleteService(ctx context.Context, namespace, name string, uid types.UID) error {
	err := c.client.CoreV1().Services(namespace).Delete(ctx, name, onlyUID(uid))
	if alreadyGone(err) {
		return nil
	}
	return wrap(err, "delete", fmt.Sprintf("service %s/%s", namespace, name))
}

// onlyUID returns delete options with the UID as precondition.
func onlyUID(uid types.UID) metav1.DeleteOptions {
	return metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
}
