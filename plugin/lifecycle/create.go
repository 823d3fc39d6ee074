package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Create runs a local pod in the remote cluster and returns the remote pod's
// UID as its job ID. It succeeds at once for a pod that runs already, whatever
// else the request says. What may pass is retried until the create timeout; a
// failure undoes what this call made. Its kind says why: Invalid, Refused, Exists
// (something foreign stands there), NotFound (the one configured namespace is
// missing), Unavailable or Canceled.
func (l *Lifecycle) Create(ctx context.Context, request *wire.CreateRequest) (wire.CreateResponse, error) {
	pod := &request.Pod
	uid := string(pod.UID)
	log := l.logFor(pod)

	ctx, done, err := l.arrivals.create(ctx, uid)
	if err != nil {
		return wire.CreateResponse{}, fmt.Errorf("create pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, l.options.CreateTimeout)
	defer cancel()

	jid, err := l.create(ctx, request, log)
	if err != nil {
		err = l.because(ctx, err)
		log.Warn("create failed", "error", err)
		return wire.CreateResponse{}, fmt.Errorf("create pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return wire.CreateResponse{PodUID: uid, PodJID: jid}, nil
}

// because returns why a create failed: the end of its context outranks the error
// of the call that it cut off.
func (l *Lifecycle) because(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errDeleted):
		return errDeleted
	case errors.Is(cause, context.DeadlineExceeded):
		return errdefs.New(errdefs.Unavailable, "not done within %s: %w", l.options.CreateTimeout, err)
	}
	return err
}

func (l *Lifecycle) create(ctx context.Context, request *wire.CreateRequest, log *slog.Logger) (jid string, err error) {
	pod := &request.Pod
	unlock, err := l.pods.lock(ctx, string(pod.UID))
	if err != nil {
		return "", err
	}
	defer unlock()

	running, err := l.running(ctx, pod)
	if err != nil {
		return "", err
	}
	if running != nil {
		l.dropUndos(string(pod.UID))
		log.Info("the pod is there already", "remote", running.Namespace+"/"+running.Name, "jid", running.UID)
		return string(running.UID), nil
	}

	objects, err := translate.ToObjects(request, l.options.Translate)
	if err != nil {
		return "", err
	}
	for _, warning := range objects.Warnings {
		log.Warn("not everything of the pod is offloaded", "warning", warning)
	}
	release, err := l.lockClaims(ctx, objects)
	if err != nil {
		return "", err
	}
	defer release()

	c := newCreation(l, objects, string(pod.UID), log)
	jid, err = c.run(ctx)
	if err != nil {
		c.undo(ctx)
		return "", err
	}
	l.dropUndos(string(pod.UID))
	log.Info("created", "remote", objects.Pod.Namespace+"/"+objects.Pod.Name, "jid", jid)
	return jid, nil
}

// running returns the remote pod of a local one, if there is one. The cache
// answers; only while it is still being filled is the API server asked.
func (l *Lifecycle) running(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	if cached := l.cluster.CachedPod(string(pod.UID)); cached != nil || l.cluster.Synced() {
		return cached, nil
	}
	var found *corev1.Pod
	err := retry(ctx, func(ctx context.Context) (err error) {
		found, err = l.cluster.FindPod(ctx, l.remoteNamespace(pod), string(pod.UID))
		return err
	})
	return found, err
}

// lockClaims keeps deletes from taking a claim away between the moment that it
// is found and the moment that the pod stands for it.
func (l *Lifecycle) lockClaims(ctx context.Context, objects *translate.Objects) (release func(), err error) {
	var names []string
	for _, claim := range objects.Claims {
		names = append(names, objects.Pod.Namespace+"/"+claim.Name)
	}
	slices.Sort(names) // one order for all, so that nobody waits in a circle
	var unlocks []func()
	release = func() {
		for _, unlock := range unlocks {
			unlock()
		}
	}
	for _, name := range names {
		unlock, err := l.claims.lock(ctx, name)
		if err != nil {
			release()
			return nil, err
		}
		unlocks = append(unlocks, unlock)
	}
	return release, nil
}

func (l *Lifecycle) remoteNamespace(pod *corev1.Pod) string {
	return l.options.Translate.Scope.RemoteNamespace(pod.Namespace)
}

func (l *Lifecycle) logFor(pod *corev1.Pod) *slog.Logger {
	return l.log.With("namespace", pod.Namespace, "name", pod.Name, "uid", pod.UID)
}

// ensureNamespace makes sure that the remote namespace is there. It is
// remembered; a create that finds it gone forgets it.
func (l *Lifecycle) ensureNamespace(ctx context.Context, namespace *corev1.Namespace) error {
	if namespace == nil {
		return nil
	}
	if _, known := l.namespaces.Load(namespace.Name); known {
		return nil
	}
	err := retry(ctx, func(ctx context.Context) error {
		_, err := l.cluster.Create(ctx, namespace)
		switch errdefs.KindOf(err) {
		case errdefs.Exists:
			return nil
		case errdefs.Refused:
			// Credentials that may not make namespaces can use one that is there.
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
