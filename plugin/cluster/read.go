package cluster

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// Get returns the object of the same kind, namespace and name as object: a ConfigMap,
// Secret, PersistentVolumeClaim, Service or Pod. The error is of kind NotFound if it
// does not exist.
func (c *Cluster) Get(ctx context.Context, object metav1.Object) (metav1.Object, error) {
	core, ns, name := c.client.CoreV1(), object.GetNamespace(), object.GetName()
	var (
		found metav1.Object
		err   error
	)
	switch object.(type) {
	case *corev1.ConfigMap:
		found, err = core.ConfigMaps(ns).Get(ctx, name, metav1.GetOptions{})
	case *corev1.Secret:
		found, err = core.Secrets(ns).Get(ctx, name, metav1.GetOptions{})
	case *corev1.PersistentVolumeClaim:
		found, err = core.PersistentVolumeClaims(ns).Get(ctx, name, metav1.GetOptions{})
	case *corev1.Service:
		found, err = core.Services(ns).Get(ctx, name, metav1.GetOptions{})
	case *corev1.Pod:
		found, err = core.Pods(ns).Get(ctx, name, metav1.GetOptions{})
	default:
		err = errdefs.New(errdefs.Internal, "the plugin does not read objects of type %T", object)
	}
	if err := checkFound(err, found, name); err != nil {
		return nil, wrap(err, "get", describe(object))
	}
	return found, nil
}

// Pod returns the pod with a name. The error is of kind NotFound if it does not exist.
func (c *Cluster) Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error) {
	pod, err := c.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if err := checkFound(err, pod, name); err != nil {
		return nil, wrap(err, "get", fmt.Sprintf("pod %s/%s", namespace, name))
	}
	return pod, nil
}

// ListPods lists the pods in a remote namespace that any plugin offloaded.
func (c *Cluster) ListPods(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	list, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: scope.Selector()})
	if err := checkList(err, list); err != nil {
		return nil, wrap(err, "list", "pods in namespace "+namespace)
	}
	return list.Items, nil
}

// Logs opens the log of a container. The caller closes it; it also ends with ctx.
func (c *Cluster) Logs(ctx context.Context, namespace, name string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	stream, err := c.client.CoreV1().Pods(namespace).GetLogs(name, options).Stream(ctx)
	return stream, wrap(err, "read", fmt.Sprintf("log of container %s of pod %s/%s", options.Container, namespace, name))
}

// Claim returns a persistent volume claim.
func (c *Cluster) Claim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	claim, err := c.client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	return claim, wrap(checkFound(err, claim, name), "get", fmt.Sprintf("persistent volume claim %s/%s", namespace, name))
}
