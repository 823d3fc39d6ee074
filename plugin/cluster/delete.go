package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// Delete deletes the object with the name and the UID of object, and never a later
// object with the same name. The error is of kind NotFound if the object does not exist
// any more.
//
// grace is the grace period of a pod in seconds; with nil, the pod's own applies. If
// unchanged is true, the object is deleted only if it still has the resource version of
// object; otherwise the error is of kind Conflict.
func (c *Cluster) Delete(ctx context.Context, object metav1.Object, grace *int64, unchanged bool) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	options := metav1.DeleteOptions{GracePeriodSeconds: grace, Preconditions: &metav1.Preconditions{UID: &uid}}
	if unchanged {
		options.Preconditions.ResourceVersion = &version
	}
	err := c.deleteByName(ctx, object, options)
	if kube.Kind(err) == errdefs.Conflict {
		// The object has another UID, or another version, or somebody changes it at the
		// same time. Only the first of these means that it is gone.
		found, lookUpErr := c.Get(ctx, object)
		if errdefs.Is(lookUpErr, errdefs.NotFound) || lookUpErr == nil && found.GetUID() != uid {
			return errdefs.Wrap(errdefs.NotFound, wrap(err, "delete", describe(object)))
		}
	}
	return wrap(err, "delete", describe(object))
}

func (c *Cluster) deleteByName(ctx context.Context, object metav1.Object, options metav1.DeleteOptions) error {
	core, ns, name := c.client.CoreV1(), object.GetNamespace(), object.GetName()
	switch object.(type) {
	case *corev1.ConfigMap:
		return core.ConfigMaps(ns).Delete(ctx, name, options)
	case *corev1.Secret:
		return core.Secrets(ns).Delete(ctx, name, options)
	case *corev1.PersistentVolumeClaim:
		return core.PersistentVolumeClaims(ns).Delete(ctx, name, options)
	case *corev1.Service:
		return core.Services(ns).Delete(ctx, name, options)
	case *corev1.Pod:
		return core.Pods(ns).Delete(ctx, name, options)
	}
	return errdefs.New(errdefs.Internal, "the plugin does not delete objects of type %T", object)
}

// DeleteConfigMaps deletes the ConfigMaps that match a selector of plugin/scope. It is
// not an error if there are none.
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
