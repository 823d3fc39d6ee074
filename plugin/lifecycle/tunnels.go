package lifecycle

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// openTunnels opens the tunnels of the pod, one after the other: each needs about a
// dozen requests.
func (a *createAttempt) openTunnels(ctx context.Context) error {
	if len(a.objects.Tunnels) == 0 {
		return nil
	}
	tunnels := a.lifecycle.options.Tunnels
	if a.objects.Namespace != nil { // in single-namespace mode the plugin creates no namespaces
		// The bastions meet the strictest standard, and nothing else runs in their namespace.
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: tunnels.Namespace(), Labels: map[string]string{wire.LabelEnforce: "restricted"},
		}}
		if _, err := a.lifecycle.ensureNamespace(ctx, namespace); err != nil {
			return err
		}
	}
	for _, tunnel := range a.objects.Tunnels {
		err := retry(ctx, func(ctx context.Context) error {
			return tunnels.Open(ctx, tunnel.Release, tunnel.Labels, tunnel.Port, tunnel.Target)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
