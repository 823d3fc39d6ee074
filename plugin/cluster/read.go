package cluster

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// FindPod asks the remote API server for the remote pod for the UID of a local pod.
// It returns nil if there is none. It selects by label and not by name, because pods
// that the Python plugin created have other names.
func (c *Cluster) FindPod(ctx context.Context, namespace, uid string) (*corev1.Pod, error) {
	list, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: scope.PodSelector(uid)})
	if err != nil {
		return nil, wrap(err, "find", fmt.Sprintf("pod of UID %s in namespace %s", uid, namespace))
	}
	pods := make([]*corev1.Pod, len(list.Items))
	for i := range list.Items {
		pods[i] = &list.Items[i]
	}
	return preferred(pods), nil
}

// ListPods lists the pods in a remote namespace that any plugin offloaded.
func (c *Cluster) ListPods(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	list, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: scope.Selector()})
	if err != nil {
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
	return claim, wrap(err, "get", fmt.Sprintf("persistent volume claim %s/%s", namespace, name))
}

// Service returns a Service.
func (c *Cluster) Service(ctx context.Context, namespace, name string) (*corev1.Service, error) {
	service, err := c.client.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	return service, wrap(err, "get", fmt.Sprintf("service %s/%s", namespace, name))
}

// NamespaceExists reports whether a namespace exists.
func (c *Cluster) NamespaceExists(ctx context.Context, name string) (bool, error) {
	_, err := c.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	switch kube.Kind(err) {
	case "":
		return true, nil
	case errdefs.NotFound:
		return false, nil
	}
	return false, wrap(err, "get", "namespace "+name)
}
