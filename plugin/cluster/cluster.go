package cluster

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// Cluster is the remote cluster. Its methods are safe for concurrent use and
// obey their context.
type Cluster struct {
	client    kubernetes.Interface
	namespace string // empty: all
	pods      *podCache
}

// New returns the remote cluster behind a client. namespace is the only one
// that the credentials may touch, or empty for all. The pod cache is empty until
// [Cluster.Run].
func New(client kubernetes.Interface, namespace string, log *slog.Logger) (*Cluster, error) {
	pods, err := newPodCache(client, namespace, log)
	if err != nil {
		return nil, err
	}
	return &Cluster{client: client, namespace: namespace, pods: pods}, nil
}

// Run fills the pod cache and keeps it up to date until ctx is done.
func (c *Cluster) Run(ctx context.Context) { c.pods.informer.RunWithContext(ctx) }

// Synced says whether the pod cache holds the remote cluster's pods. It stays
// true when the remote API server goes away: the last known state is kept.
func (c *Cluster) Synced() bool { return c.pods.informer.HasSynced() }

// OnPodChange calls handle with every offloaded pod that comes or changes, as
// the cache knows it, one at a time: it must not wait. The pods are shared and
// must not be modified.
func (c *Cluster) OnPodChange(handle func(*corev1.Pod)) error {
	if err := c.pods.onChange(handle); err != nil {
		return fmt.Errorf("follow remote pods: %w", err)
	}
	return nil
}

// CachedPod returns the pod that was offloaded for a local pod's UID, as the
// cache knows it, or nil. The pod is shared and must not be modified; of its
// spec it holds what [trim] keeps.
func (c *Cluster) CachedPod(uid string) *corev1.Pod { return c.pods.byUID(uid) }

// FindPod asks the remote API server for the pod that was offloaded for a local
// pod's UID; nil when there is none. It goes by label, not by name: pods that a
// Python plugin created have other names.
func (c *Cluster) FindPod(ctx context.Context, namespace, uid string) (*corev1.Pod, error) {
	list, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: scope.PodSelector(uid)})
	if err != nil {
		return nil, wrap(err, "find", fmt.Sprintf("pod of UID %s in namespace %s", uid, namespace))
	}
	pods := make([]*corev1.Pod, len(list.Items))
	for i := range list.Items {
		pods[i] = &list.Items[i]
	}
	return current(pods), nil
}

// PodsOf lists the pods in a remote namespace that any plugin offloaded.
func (c *Cluster) PodsOf(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	list, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: scope.Selector()})
	if err != nil {
		return nil, wrap(err, "list", "pods in namespace "+namespace)
	}
	return list.Items, nil
}

// Claim returns a persistent volume claim.
func (c *Cluster) Claim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	claim, err := c.client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	return claim, wrap(err, "get", fmt.Sprintf("persistent volume claim %s/%s", namespace, name))
}

// NamespaceExists says whether a namespace is there.
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

// Logs opens a container's log stream. The caller closes it; it also ends with
// ctx.
func (c *Cluster) Logs(ctx context.Context, namespace, name string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	stream, err := c.client.CoreV1().Pods(namespace).GetLogs(name, options).Stream(ctx)
	return stream, wrap(err, "read", fmt.Sprintf("log of container %s of pod %s/%s", options.Container, namespace, name))
}

// Create creates a Namespace, ConfigMap, Secret, PersistentVolumeClaim, Service or Pod
// and returns its UID. An object of that name that was there before is an error
// of kind Exists.
func (c *Cluster) Create(ctx context.Context, object metav1.Object) (types.UID, error) {
	core, ns := c.client.CoreV1(), object.GetNamespace()
	var (
		made metav1.Object
		err  error
	)
	switch o := object.(type) {
	case *corev1.Namespace:
		made, err = core.Namespaces().Create(ctx, o, metav1.CreateOptions{})
	case *corev1.ConfigMap:
		made, err = core.ConfigMaps(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Secret:
		made, err = core.Secrets(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.PersistentVolumeClaim:
		made, err = core.PersistentVolumeClaims(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Service:
		made, err = core.Services(ns).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Pod:
		made, err = core.Pods(ns).Create(ctx, o, metav1.CreateOptions{})
	default:
		return "", errdefs.New(errdefs.Internal, "create %s: objects of type %T are not created", describe(object), object)
	}
	if err != nil {
		return "", wrap(err, "create", describe(object))
	}
	return made.GetUID(), nil
}

// DeleteClaim deletes the persistent volume claim of a UID, not a later one of
// the same name. A claim that is gone is no error.
func (c *Cluster) DeleteClaim(ctx context.Context, namespace, name string, uid types.UID) error {
	err := c.client.CoreV1().PersistentVolumeClaims(namespace).Delete(ctx, name,
		metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	// A failed precondition is a conflict: the claim of that UID is gone.
	if k := kube.Kind(err); k == errdefs.NotFound || k == errdefs.Conflict {
		return nil
	}
	return wrap(err, "delete", fmt.Sprintf("persistent volume claim %s/%s", namespace, name))
}

// DeletePods deletes the pods that a selector of plugin/scope selects; none is no
// error. grace is in seconds, nil leaves it to each pod.
func (c *Cluster) DeletePods(ctx context.Context, namespace, selector string, grace *int64) error {
	err := c.client.CoreV1().Pods(namespace).DeleteCollection(ctx,
		metav1.DeleteOptions{GracePeriodSeconds: grace}, metav1.ListOptions{LabelSelector: selector})
	return wrap(err, "delete", fmt.Sprintf("pods of %s in namespace %s", selector, namespace))
}

// DeleteConfigMaps deletes the ConfigMaps that a selector selects.
func (c *Cluster) DeleteConfigMaps(ctx context.Context, namespace, selector string) error {
	err := c.client.CoreV1().ConfigMaps(namespace).DeleteCollection(ctx,
		metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector})
	return wrap(err, "delete", fmt.Sprintf("ConfigMaps of %s in namespace %s", selector, namespace))
}

// DeleteSecrets deletes the Secrets that a selector selects.
func (c *Cluster) DeleteSecrets(ctx context.Context, namespace, selector string) error {
	err := c.client.CoreV1().Secrets(namespace).DeleteCollection(ctx,
		metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector})
	return wrap(err, "delete", fmt.Sprintf("secrets of %s in namespace %s", selector, namespace))
}

// Service returns a Service.
func (c *Cluster) Service(ctx context.Context, namespace, name string) (*corev1.Service, error) {
	service, err := c.client.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	return service, wrap(err, "get", fmt.Sprintf("service %s/%s", namespace, name))
}

// DeleteService deletes the Service of a UID, not a later one of the same name.
// One that is gone is no error.
func (c *Cluster) DeleteService(ctx context.Context, namespace, name string, uid types.UID) error {
	err := c.client.CoreV1().Services(namespace).Delete(ctx, name,
		metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if k := kube.Kind(err); k == errdefs.NotFound || k == errdefs.Conflict {
		return nil
	}
	return wrap(err, "delete", fmt.Sprintf("service %s/%s", namespace, name))
}

// describe names an object for errors and logs: its kind, namespace and name.
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
