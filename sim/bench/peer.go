package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// bare is the value of [wire.LabelOffloading] on the objects of the bare client-go loop: the plugin does
// not watch them.
const bare = "bareclient"

// newClient returns a client without a limit, which prefers protobuf as the plugin's does.
func newClient(config *rest.Config) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return kubernetes.NewForConfig(config)
}

// bareNamespace creates a namespace for the peer, and waits until pods can be created there.
func (b *Bench) bareNamespace(ctx context.Context, name string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := b.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return b.eventually(ctx, "service account of namespace "+name, func() (bool, error) {
		_, err := b.client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// eventually waits until a condition holds.
func (b *Bench) eventually(ctx context.Context, what string, condition func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if done, err := condition(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("timed out waiting for: %s: %w", what, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// forPeer returns the remote objects of a pod for the bare loop: of the same size, in another namespace
// and with another value of one label.
func forPeer(objects *translate.Objects, namespace string) *translate.Objects {
	adapt := func(meta *metav1.ObjectMeta) {
		meta.Namespace = namespace
		meta.Labels[wire.LabelOffloading] = bare
	}
	adapt(&objects.Pod.ObjectMeta)
	for _, c := range objects.ConfigMaps {
		adapt(&c.ObjectMeta)
	}
	for _, s := range objects.Secrets {
		adapt(&s.ObjectMeta)
	}
	return objects
}

// bareCreate creates the pod, and then what it owns side by side.
func (b *Bench) bareCreate(ctx context.Context, objects *translate.Objects) error {
	core, namespace := b.client.CoreV1(), objects.Pod.Namespace
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

// bareDelete deletes the pod by its name.
func (b *Bench) bareDelete(ctx context.Context, pod *corev1.Pod) error {
	return b.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
}

// leftovers returns the number of objects in a namespace that have the UID of a local pod.
func (b *Bench) leftovers(ctx context.Context, namespace string) (int, error) {
	core, labeled := b.client.CoreV1(), metav1.ListOptions{LabelSelector: wire.LabelPodUID}
	pods, err := core.Pods(namespace).List(ctx, labeled)
	if err != nil {
		return 0, err
	}
	configMaps, err := core.ConfigMaps(namespace).List(ctx, labeled)
	if err != nil {
		return 0, err
	}
	secrets, err := core.Secrets(namespace).List(ctx, labeled)
	if err != nil {
		return 0, err
	}
	return len(pods.Items) + len(configMaps.Items) + len(secrets.Items), nil
}

// waitUntilEmpty waits until a namespace has no objects of local pods, so that their collection does not
// disturb the next round. If some stay, that is an error.
func (b *Bench) waitUntilEmpty(ctx context.Context, namespace string) error {
	left := 0
	err := b.eventually(ctx, "the end of all objects of pods in namespace "+namespace, func() (done bool, err error) {
		left, err = b.leftovers(ctx, namespace)
		return left == 0, err
	})
	if err != nil {
		return fmt.Errorf("%d objects are left: %w", left, err)
	}
	return nil
}
