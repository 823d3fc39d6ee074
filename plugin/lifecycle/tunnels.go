package lifecycle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// tunnels opens the pod's tunnels, one after the other: each is a dozen requests.
func (c *creation) tunnels(ctx context.Context) error {
	tunnels := c.lifecycle.options.Tunnels
	if c.objects.Namespace != nil { // else namespaces are the site's own
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tunnels.Namespace()}}
		if err := c.lifecycle.ensureNamespace(ctx, namespace); err != nil {
			return err
		}
	}
	for _, tunnel := range c.objects.Tunnels {
		c.began.Store(true)
		err := retry(ctx, func(ctx context.Context) error {
			return tunnels.Open(ctx, tunnel.Release, tunnel.Labels, tunnel.Port, tunnel.Target)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteService deletes the Service of a pod's tunnels if a selector of
// plugin/scope selects it: Services cannot be deleted by a selector.
func (l *Lifecycle) deleteService(ctx context.Context, namespace, uid, selector string) error {
	service, err := l.cluster.Service(ctx, namespace, l.options.Translate.Scope.ServiceName(uid))
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil
	case err != nil:
		return err
	}
	selects, err := labels.Parse(selector)
	if err != nil {
		return fmt.Errorf("delete service %s/%s: %w", namespace, service.Name, err)
	}
	if !selects.Matches(labels.Set(service.Labels)) {
		return nil
	}
	return l.cluster.DeleteService(ctx, namespace, service.Name, service.UID)
}
