package lifecycle

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// remoteNamespace returns the name of the remote namespace of a local pod.
func (l *Lifecycle) remoteNamespace(pod *corev1.Pod) string {
	return l.options.Translate.Scope.RemoteNamespace(pod.Namespace)
}

// waitForNamespace is how long a create waits for another one that creates its namespace.
// It then tries by itself: the request of the other one may hang.
const waitForNamespace = 2 * time.Second

// namespaceMemory is how long the Lifecycle relies on what it knows about a namespace:
// somebody may delete the namespace and create it again.
const namespaceMemory = time.Minute

// knownNamespace is what is known about a remote namespace that exists, and is ready for
// pods.
type knownNamespace struct {
	own bool // the plugin created it
	at  time.Time
}

// ensureNamespace creates a remote namespace if it does not exist, applies the namespace
// template to it if the plugin created it, and reports whether the plugin did, now or
// earlier. Of many creates in a new namespace, one sends the requests and the others wait
// for it. The Lifecycle remembers the namespaces for a while; a create that does not find
// its namespace calls forgetNamespace.
func (l *Lifecycle) ensureNamespace(ctx context.Context, namespace *corev1.Namespace) (own bool, err error) {
	if namespace == nil {
		return false, nil
	}
	if known := l.knownNamespace(namespace.Name); known.isFresh(l.namespaceMemory) {
		return known.own, nil
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
	last := l.knownNamespace(namespace.Name)
	if last.isFresh(l.namespaceMemory) {
		return last.own, nil
	}
	begun := time.Now()
	err = retry(ctx, func(ctx context.Context) (err error) {
		own, err = l.createNamespace(ctx, namespace)
		return err
	})
	if err != nil {
		return false, err
	}
	if !own && (last == nil || last.own) && isForPods(namespace) {
		tracing.Logger(ctx, l.log).Info("the plugin did not create this remote namespace, and leaves it as it is", "namespace", namespace.Name, "template", l.options.NamespaceTemplate != nil)
	}
	l.namespaces.Store(namespace.Name, &knownNamespace{own: own, at: begun})
	return own, nil
}

// createNamespace creates a remote namespace, or finds the one that exists: an account that
// may not create namespaces can use that. If it cannot be read, it counts as one that the
// plugin did not create. The namespace is then ready for pods.
func (l *Lifecycle) createNamespace(ctx context.Context, namespace *corev1.Namespace) (own bool, err error) {
	_, refusal := l.cluster.Create(ctx, namespace)
	created, exists := refusal == nil, errdefs.Is(refusal, errdefs.Exists)
	switch {
	case created && l.options.NamespaceTemplate == nil:
		return true, nil
	case !created && !exists && !errdefs.Is(refusal, errdefs.Refused):
		return false, refusal
	}
	last := l.knownNamespace(namespace.Name)
	found, err := l.cluster.Namespace(ctx, namespace.Name)
	switch {
	case errdefs.Is(err, errdefs.NotFound) && (created || exists):
		return false, errdefs.New(errdefs.Unavailable, "namespace %s was deleted a moment ago", namespace.Name)
	case errdefs.Is(err, errdefs.NotFound):
		return false, refusal
	case errdefs.IsTransient(err):
		return false, err
	case err != nil && !created && !exists:
		return false, fmt.Errorf("%w; and whether it exists is not known: %w", refusal, err)
	case err != nil && l.options.NamespaceTemplate != nil && isForPods(namespace):
		return false, fmt.Errorf("whether the namespace template must be applied is not known: %w", err)
	case err != nil && last != nil: // what was known before still holds
		return last.own, nil
	case err != nil:
		tracing.Logger(ctx, l.log).Warn("a remote namespace exists, but the plugin may not read it: it counts as one that the plugin did not create",
			"namespace", namespace.Name, "error", err)
		return false, nil
	case found.DeletionTimestamp != nil:
		return false, errdefs.New(errdefs.Unavailable, "namespace %s is being deleted", namespace.Name)
	case sourceOf(found) != "" && sourceOf(namespace) != "" && sourceOf(found) != sourceOf(namespace):
		return false, errdefs.New(errdefs.Refused, "remote namespace %s was created for pods of another local namespace, %s: two installations of the plugin have namespace prefixes that give the same name",
			namespace.Name, sourceOf(found))
	case !isOwn(found, namespace):
		return false, nil
	}
	return true, l.applyTemplate(ctx, found, namespace.Annotations[wire.AnnotationSourceName])
}

// knownNamespace returns what is known about a remote namespace, or nil.
func (l *Lifecycle) knownNamespace(name string) *knownNamespace {
	known, _ := l.namespaces.Load(name)
	namespace, _ := known.(*knownNamespace)
	return namespace
}

func (n *knownNamespace) isFresh(memory time.Duration) bool {
	return n != nil && time.Since(n.at) < memory
}

// isForPods reports whether a namespace is for pods, and not for the bastions of tunnels.
func isForPods(namespace *corev1.Namespace) bool { return namespace.Labels[wire.LabelOffloading] != "" }

// sourceOf returns the name of the local namespace for which a remote namespace was created,
// or "" if no plugin created it for pods. Prefix a-b with namespace c and prefix a with
// namespace b-c give the same name.
func sourceOf(namespace *corev1.Namespace) string {
	if !isForPods(namespace) {
		return ""
	}
	return namespace.Annotations[wire.AnnotationSourceName]
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
	known := l.knownNamespace(name)
	return known != nil && known.own
}

// forgetNamespace lets the next create look at a namespace again.
func (l *Lifecycle) forgetNamespace(name string) { l.namespaces.Delete(name) }
