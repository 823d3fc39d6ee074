package lifecycle

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// remoteNamespace returns the name of the remote namespace of a local pod.
func (l *Lifecycle) remoteNamespace(pod *corev1.Pod) string {
	return l.options.Translate.Scope.RemoteNamespace(pod.Namespace)
}

// waitForNamespace is how long a create waits for another one that creates its namespace.
// It then tries by itself: the request of the other one may hang.
const waitForNamespace = 2 * time.Second

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
	waiting, cancel := context.WithTimeout(ctx, waitForNamespace)
	unlock, err := l.namespaceLocks.lock(waiting, namespace.Name)
	cancel()
	switch {
	case err == nil:
		defer unlock()
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if _, known := l.namespaces.Load(namespace.Name); known {
		return nil
	}
	err = retry(ctx, func(ctx context.Context) error {
		_, err := l.cluster.Create(ctx, namespace)
		switch errdefs.KindOf(err) {
		case errdefs.Exists:
			return nil
		case errdefs.Refused:
			return l.findNamespace(ctx, namespace.Name, err)
		}
		return err
	})
	if err != nil {
		return err
	}
	l.namespaces.Store(namespace.Name, struct{}{})
	return nil
}

// findNamespace returns nil if a namespace exists: an account that may not create
// namespaces can use one that exists. refusal is the error of its create.
func (l *Lifecycle) findNamespace(ctx context.Context, name string, refusal error) error {
	exists, err := l.cluster.NamespaceExists(ctx, name)
	switch {
	case errdefs.IsTransient(err):
		return err
	case err != nil:
		return fmt.Errorf("%w; and whether it exists is not known: %w", refusal, err)
	case !exists:
		return refusal
	}
	return nil
}

// forgetNamespace lets the next create check again whether a namespace exists.
func (l *Lifecycle) forgetNamespace(name string) { l.namespaces.Delete(name) }
