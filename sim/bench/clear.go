package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// clear deletes all objects of local pods in a namespace. It does not wait for the garbage collector, which
// takes minutes for thousands of objects.
func (b *Bench) clear(ctx context.Context, namespace string) error {
	core := b.client.CoreV1()
	options, labeled := metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}, metav1.ListOptions{LabelSelector: wire.LabelPodUID}
	// A delete of thousands of objects can take longer than the API server permits, so it is repeated.
	return b.patiently(ctx, "the end of all objects of namespace "+namespace, func() (bool, error) {
		err := errors.Join(
			core.Pods(namespace).DeleteCollection(ctx, options, labeled),
			core.ConfigMaps(namespace).DeleteCollection(ctx, options, labeled),
			core.Secrets(namespace).DeleteCollection(ctx, options, labeled),
		)
		if err != nil {
			b.options.Log("clear namespace %s: %v", namespace, err)
			return false, nil
		}
		left, err := b.leftovers(ctx, namespace)
		return left == 0, err
	})
}

// patiently waits until a condition holds that is expensive to check and can take minutes.
func (b *Bench) patiently(ctx context.Context, what string, condition func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	for {
		if done, err := condition(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("timed out waiting for: %s: %w", what, ctx.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
}
