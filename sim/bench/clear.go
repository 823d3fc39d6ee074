package bench

import (
	"context"
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
	for {
		if err := core.Pods(namespace).DeleteCollection(ctx, options, labeled); err != nil {
			return err
		}
		if err := core.ConfigMaps(namespace).DeleteCollection(ctx, options, labeled); err != nil {
			return err
		}
		if err := core.Secrets(namespace).DeleteCollection(ctx, options, labeled); err != nil {
			return err
		}
		left, err := b.leftovers(ctx, namespace)
		if left == 0 || err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
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
