package lifecycle

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// remoteNamespace returns the name of the remote namespace of a local pod.
func (l *Lifecycle) remoteNamespace(pod *corev1.Pod) string {
	return l.options.Translate.Scope.RemoteNamespace(pod.Namespace)
}

// ensureNamespace creates a remote namespace if it does not exist. Of many creates in a
// new namespace, one sends the request and the others wait for its answer. The Lifecycle
// remembers the namespaces that exist; a create that does not find its namespace calls
// forgetNamespace.
func (l *Lifecycle) ensureNamespace(ctx context.Context, namespace *corev1.Namespace) error {
	if namespace == nil {
		return nil
	}
	if _, known := l.namespaces.Load(namespace.Name); known {
		return nil
	}
	unlock, err := l.namespaceLocks.lock(ctx, namespace.Name)
	if err != nil {
		return err
	}
	defer unlock()
	if _, known := l.namespaces.Load(namespace.Name); known {
		return nil
	}
	err = retry(ctx, func(ctx context.Context) error {
		_, err := l.cluster.Create(ctx, namespace)
		switch errdefs.KindOf(err) {
		case errdefs.Exists:
			return nil
		case errdefs.Refused:
			// An account that may not create namespaces can use one that exists.
			if exists, _ := l.cluster.NamespaceExists(ctx, namespace.Name); exists {
				return nil
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	l.namespaces.Store(namespace.Name, struct{}{})
	return nil
}

// forgetNamespace lets the next create check again whether a namespace exists.
func (l *Lifecycle) forgetNamespace(name string) { l.namespaces.Delete(name) }
