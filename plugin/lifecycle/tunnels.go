package lifecycle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// openTunnels opens the tunnels of the pod, one after the other: each needs about a
// dozen requests.
func (a *createAttempt) openTunnels(ctx context.Context) error {
	tunnels := a.lifecycle.options.Tunnels
	if a.objects.Namespace != nil { // in single-namespace mode the plugin creates no namespaces
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tunnels.Namespace()}}
		if err := a.lifecycle.ensureNamespace(ctx, namespace); err != nil {
			return err
		}
	}
	for _, tunnel := range a.objects.Tunnels {
		a.mayHaveCreated.Store(true)
		err := retry(ctx, func(ctx context.Context) error {
			return tunnels.Open(ctx, tunnel.Release, tunnel.Labels, tunnel.Port, tunnel.Target)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteService deletes the Service of a pod's tunnels if it matches a selector of
// plugin/scope. The API server cannot delete Services by a selector.
func (l *Lifecycle) deleteService(ctx context.Context, namespace, uid, selector string) error {
	service, err := l.cluster.Service(ctx, namespace, l.options.Translate.Scope.ServiceName(uid))
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil
	case err != nil:
		return err
	}
	parsed, err := labels.Parse(selector)
	if err != nil {
		return fmt.Errorf("delete service %s/%s: %w", namespace, service.Name, err)
	}
	if !parsed.Matches(labels.Set(service.Labels)) {
		return nil
	}
	return l.cluster.DeleteService(ctx, namespace, service.Name, service.UID)
}
