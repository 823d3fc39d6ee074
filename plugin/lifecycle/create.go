package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Create creates the remote objects of a local pod and returns the UID of the remote
// pod as job ID. If the remote pod exists already, Create succeeds at once and
// ignores the rest of the request (docs/contract.md, CREATE-8). It retries transient
// failures until the create timeout. After a failure it rolls back what this call
// created. The kind of the error says why it failed: Invalid, Refused, Exists (an
// object of the same name that is not the plugin's), NotFound (the configured single
// namespace does not exist), Unavailable or Canceled.
func (l *Lifecycle) Create(ctx context.Context, request *wire.CreateRequest) (wire.CreateResponse, error) {
	pod := &request.Pod
	uid := string(pod.UID)
	log := l.podLogger(pod)

	ctx, done, err := l.inFlight.addCreate(ctx, uid)
	if err != nil {
		return wire.CreateResponse{}, fmt.Errorf("create pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, l.options.CreateTimeout)
	defer cancel()

	jid, err := l.create(ctx, request, log)
	if err != nil {
		err = l.createError(ctx, err)
		log.Warn("create failed", "error", err)
		return wire.CreateResponse{}, fmt.Errorf("create pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return wire.CreateResponse{PodUID: uid, PodJID: jid}, nil
}

// createError returns the reason why a create failed. The end of its context is
// preferred to the error of the call that the context interrupted.
func (l *Lifecycle) createError(ctx context.Context, err error) error {
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
	unlock, err := l.podLocks.lock(ctx, string(pod.UID))
	if err != nil {
		return "", err
	}
	defer unlock()

	var existing *corev1.Pod
	err = retry(ctx, func(ctx context.Context) (err error) {
		existing, err = l.lookUp(ctx, pod, true)
		return err
	})
	if err != nil {
		return "", err
	}
	if existing != nil {
		l.cancelPendingRollbacks(string(pod.UID))
		log.Info("the remote pod exists already", "remote", existing.Namespace+"/"+existing.Name, "jid", existing.UID)
		return string(existing.UID), nil
	}

	objects, err := translate.ToObjects(request, l.options.Translate)
	if err != nil {
		return "", err
	}
	for _, warning := range objects.Warnings {
		log.Warn("a part of the pod is not offloaded", "warning", warning)
	}
	unlockClaims, err := l.lockClaims(ctx, objects)
	if err != nil {
		return "", err
	}
	defer unlockClaims()

	attempt := newCreateAttempt(l, objects, string(pod.UID), log)
	jid, err = attempt.run(ctx)
	if err != nil {
		attempt.rollback(ctx)
		return "", err
	}
	l.cancelPendingRollbacks(string(pod.UID))
	log.Info("created", "remote", objects.Pod.Namespace+"/"+objects.Pod.Name, "jid", jid)
	return jid, nil
}

// maxParallelCreates limits the creates of one pod's dependents at the same time.
const maxParallelCreates = 8

// run creates all objects and returns the UID of the remote pod. If the namespace
// does not exist any more, somebody deleted it with everything in it: run then
// starts again from the beginning.
func (a *createAttempt) run(ctx context.Context) (jid string, err error) {
	err = retry(ctx, func(ctx context.Context) (err error) {
		jid, err = a.createAll(ctx)
		if errdefs.Is(err, errdefs.NotFound) && a.objects.Namespace != nil {
			a.lifecycle.forgetNamespace(a.objects.Namespace.Name)
			if len(a.objects.Tunnels) > 0 {
				a.lifecycle.forgetNamespace(a.lifecycle.options.Tunnels.Namespace())
			}
			return errdefs.Wrap(errdefs.Unavailable, err)
		}
		return err
	})
	return jid, err
}

// createAll creates the namespace first, then the dependents in parallel, and the pod
// last.
func (a *createAttempt) createAll(ctx context.Context) (jid string, err error) {
	if err := a.lifecycle.ensureNamespace(ctx, a.objects.Namespace); err != nil {
		return "", err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelCreates)
	for _, configMap := range a.objects.ConfigMaps {
		group.Go(func() error { return a.createDependent(groupCtx, configMap) })
	}
	for _, secret := range a.objects.Secrets {
		group.Go(func() error { return a.createDependent(groupCtx, secret) })
	}
	for _, claim := range a.objects.Claims {
		group.Go(func() error { return a.ensureClaim(groupCtx, claim) })
	}
	if a.objects.Service != nil {
		group.Go(func() error { return a.createDependent(groupCtx, a.objects.Service) })
	}
	if len(a.objects.Tunnels) > 0 {
		group.Go(func() error { return a.openTunnels(groupCtx) })
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	return a.createPod(ctx)
}

// createDependent creates a ConfigMap, a Secret or a Service. If an object with that
// name exists, it is the same object: the name contains the UID of the local pod, so
// an earlier create of this pod created it.
func (a *createAttempt) createDependent(ctx context.Context, object metav1.Object) error {
	_, err := a.createObject(ctx, object)
	if errdefs.Is(err, errdefs.Exists) {
		return nil
	}
	return err
}

// createPod creates the pod. If a pod with that name exists, it is this pod if it has
// the label of the local UID: an earlier call whose answer was lost created it, or
// another replica.
func (a *createAttempt) createPod(ctx context.Context) (jid string, err error) {
	pod := a.objects.Pod
	uid, err := a.createObject(ctx, pod)
	if !errdefs.Is(err, errdefs.Exists) {
		return string(uid), err
	}
	var found *corev1.Pod
	err = retry(ctx, func(ctx context.Context) (err error) {
		found, err = a.lifecycle.cluster.FindPod(ctx, pod.Namespace, a.uid)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case found == nil:
		return "", errdefs.New(errdefs.Exists, "pod %s/%s exists, but the plugin did not create it: it does not have the label %s", pod.Namespace, pod.Name, wire.LabelPodUID)
	}
	return string(found.UID), nil
}

// createObject creates one object and retries transient failures.
func (a *createAttempt) createObject(ctx context.Context, object metav1.Object) (uid types.UID, err error) {
	a.mayHaveCreated.Store(true)
	err = retry(ctx, func(ctx context.Context) (err error) {
		uid, err = a.lifecycle.cluster.Create(ctx, object)
		return err
	})
	return uid, err
}
