package bare

import (
	"context"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// offloading is the value of [wire.LabelOffloading] on the objects of the loop: the plugin does not watch
// them.
const offloading = "bareclient"

// NewClient returns a client with client-go's defaults, but without a limit. Since version 1.32, clients of
// built-in types use protobuf by default.
func NewClient(config *rest.Config) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// NewJSONClient returns a client without a limit that sends and accepts JSON, as client-go did by default
// before version 1.32, and as clients in other languages do.
func NewJSONClient(config *rest.Config) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	return NewClient(config)
}

// Adapt changes the remote objects of a pod for the loop: they are of the same size, in another namespace
// and with another value of one label.
func Adapt(objects *translate.Objects, namespace string) {
	adapt := func(meta *metav1.ObjectMeta) {
		meta.Namespace = namespace
		meta.Labels[wire.LabelOffloading] = offloading
	}
	adapt(&objects.Pod.ObjectMeta)
	for _, c := range objects.ConfigMaps {
		adapt(&c.ObjectMeta)
	}
	for _, s := range objects.Secrets {
		adapt(&s.ObjectMeta)
	}
}

// Create creates the pod, and then what it owns side by side.
func Create(ctx context.Context, client kubernetes.Interface, objects *translate.Objects) error {
	core, namespace := client.CoreV1(), objects.Pod.Namespace
	pod, err := core.Pods(namespace).Create(ctx, objects.Pod, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if len(objects.ConfigMaps)+len(objects.Secrets) == 0 {
		return nil
	}
	owner := []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}}
	group, ctx := errgroup.WithContext(ctx)
	for _, configMap := range objects.ConfigMaps {
		group.Go(func() error {
			configMap.OwnerReferences = owner
			_, err := core.ConfigMaps(namespace).Create(ctx, configMap, metav1.CreateOptions{})
			return err
		})
	}
	for _, secret := range objects.Secrets {
		group.Go(func() error {
			secret.OwnerReferences = owner
			_, err := core.Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{})
			return err
		})
	}
	return group.Wait()
}

// Delete deletes a pod by its name.
func Delete(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) error {
	return client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
}
