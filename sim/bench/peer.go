package bench

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench/bare"
)

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

// forPeer returns the remote objects of a pod as the bare loop makes them.
func forPeer(objects *translate.Objects, namespace string) *translate.Objects {
	bare.Adapt(objects, namespace)
	return objects
}

// bareCreate creates the pod, and then what it owns side by side.
func (b *Bench) bareCreate(ctx context.Context, objects *translate.Objects) error {
	return bare.Create(ctx, b.client, objects)
}

// bareDelete deletes the pod by its name.
func (b *Bench) bareDelete(ctx context.Context, pod *corev1.Pod) error {
	return bare.Delete(ctx, b.client, pod)
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
