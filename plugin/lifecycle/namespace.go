package lifecycle

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// remoteNamespace returns the name of the remote namespace of a local pod.
func (l *Lifecycle) remoteNamespace(pod *corev1.Pod) string {
	return l.options.Translate.Scope.RemoteNamespace(pod.Namespace)
}

// waitForNamespace is how long a create waits for another one that creates its namespace.
// It then tries by itself: the request of the other one may hang.
const waitForNamespace = 2 * time.Second

// ensureNamespace creates a remote namespace if it does not exist, and reports whether the
// plugin created it, now or earlier. Of many creates in a new namespace, one sends the
// request and the others wait for its answer. The Lifecycle remembers the namespaces that
// exist; a create that does not find its namespace calls forgetNamespace.
func (l *Lifecycle) ensureNamespace(ctx context.Context, namespace *corev1.Namespace) (own bool, err error) {
	if namespace == nil {
		return false, nil
	}
	if own, known := l.namespaces.Load(namespace.Name); known {
		return own.(bool), nil
	}
	waiting, cancel := context.WithTimeout(ctx, waitForNamespace)
	unlock, err := l.namespaceLocks.lock(waiting, namespace.Name)
	cancel()
	switch {
	case err == nil:
		defer unlock()
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	if own, known := l.namespaces.Load(namespace.Name); known {
		return own.(bool), nil
	}
	err = retry(ctx, func(ctx context.Context) (err error) {
		own, err = l.createNamespace(ctx, namespace)
		return err
	})
	if err != nil {
		return false, err
	}
	l.namespaces.Store(namespace.Name, own)
	return own, nil
}

// createNamespace creates a remote namespace, or finds the one that exists: an account that
// may not create namespaces can use that. If it cannot be read, it counts as one that the
// plugin did not create.
func (l *Lifecycle) createNamespace(ctx context.Context, namespace *corev1.Namespace) (own bool, err error) {
	_, refusal := l.cluster.Create(ctx, namespace)
	exists := errdefs.Is(refusal, errdefs.Exists)
	switch {
	case refusal == nil:
		return true, nil
	case !exists && !errdefs.Is(refusal, errdefs.Refused):
		return false, refusal
	}
	found, err := l.cluster.Namespace(ctx, namespace.Name)
	switch {
	case errdefs.Is(err, errdefs.NotFound) && exists:
		return false, errdefs.New(errdefs.Unavailable, "namespace %s was deleted a moment ago", namespace.Name)
	case errdefs.Is(err, errdefs.NotFound):
		return false, refusal
	case errdefs.IsTransient(err):
		return false, err
	case err != nil && exists:
		l.log.Warn("a remote namespace exists, but the plugin may not read it: it counts as one that the plugin did not create",
			"namespace", namespace.Name, "error", err)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w; and whether it exists is not known: %w", refusal, err)
	case found.DeletionTimestamp != nil:
		return false, errdefs.New(errdefs.Unavailable, "namespace %s is being deleted", namespace.Name)
	}
	return isOwn(found, namespace), nil
}

// isOwn reports whether this installation of the plugin created a namespace that it wants.
func isOwn(found, wanted *corev1.Namespace) bool {
	for _, label := range []string{wire.LabelOffloading, wire.LabelInstance} {
		if value := found.Labels[label]; value == "" || value != wanted.Labels[label] {
			return false
		}
	}
	return true
}

// isOwnNamespace reports whether a remote namespace is known as one that the plugin created.
func (l *Lifecycle) isOwnNamespace(name string) bool {
	own, known := l.namespaces.Load(name)
	return known && own.(bool)
}

// forgetNamespace lets the next create check again whether a namespace exists.
func (l *Lifecycle) forgetNamespace(name string) { l.namespaces.Delete(name) }
