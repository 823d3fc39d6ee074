package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Create creates a Namespace, ConfigMap, Secret, PersistentVolumeClaim, Service or
// Pod and returns it as the API server has stored it. The error is of kind Exists if an
// object with that name exists already.
func (c *Cluster) Create(ctx context.Context, object metav1.Object) (metav1.Object, error) {
	core, ns := c.client.CoreV1(), object.GetNamespace()
	ctx = withName(ctx, object.GetName())
	var (
		created metav1.Object
		err     error
	)
	switch o := object.(type) {
	case *corev1.Namespace:
		created, err = core.Namespaces().Create(ctx, o, metav1.CreateOptions{})
	case *corev1.ConfigMap:
		created, err = core.ConfigMaps(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Secret:
		created, err = core.Secrets(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.PersistentVolumeClaim:
		created, err = core.PersistentVolumeClaims(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Service:
		created, err = core.Services(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Pod:
		created, err = core.Pods(ns).Create(ctx, o, metav1.CreateOptions{})
	default:
		err = errdefs.New(errdefs.Internal, "the plugin does not create objects of type %T", object)
	}
	if err := checkCreated(err, created, object.GetName()); err != nil {
		return nil, wrap(err, "create", describe(object))
	}
	return created, nil
}

// describe returns the kind, namespace and name of an object, for errors.
func describe(object metav1.Object) string {
	switch object.(type) {
	case *corev1.Namespace:
		return "namespace " + object.GetName()
	case *corev1.ConfigMap:
		return fmt.Sprintf("ConfigMap %s/%s", object.GetNamespace(), object.GetName())
	case *corev1.Secret:
		return fmt.Sprintf("Secret %s/%s", object.GetNamespace(), object.GetName())
	case *corev1.PersistentVolumeClaim:
		return fmt.Sprintf("persistent volume claim %s/%s", object.GetNamespace(), object.GetName())
	case *corev1.Service:
		return fmt.Sprintf("service %s/%s", object.GetNamespace(), object.GetName())
	case *corev1.Pod:
		return fmt.Sprintf("pod %s/%s", object.GetNamespace(), object.GetName())
	}
	return fmt.Sprintf("%T %s/%s", object, object.GetNamespace(), object.GetName())
}
