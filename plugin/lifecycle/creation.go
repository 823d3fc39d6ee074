package lifecycle

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// creation is one create on its way. All that it makes carries its own mark, so
// that undoing finds exactly that, whether or not an answer was lost.
type creation struct {
	lifecycle *Lifecycle
	objects   *translate.Objects
	uid       string // the local pod's
	attempt   string // this call's mark
	log       *slog.Logger
	began     atomic.Bool // something may have been made
}

func newCreation(l *Lifecycle, objects *translate.Objects, uid string, log *slog.Logger) *creation {
	c := &creation{lifecycle: l, objects: objects, uid: uid, attempt: string(uuid.NewUUID()), log: log}
	for _, object := range objects.ConfigMaps {
		object.Labels[wire.LabelAttempt] = c.attempt
	}
	for _, object := range objects.Secrets {
		object.Labels[wire.LabelAttempt] = c.attempt
	}
	for _, claim := range objects.Claims {
		if claim.Object != nil {
			claim.Object.Labels[wire.LabelAttempt] = c.attempt
		}
	}
	if objects.Service != nil {
		objects.Service.Labels[wire.LabelAttempt] = c.attempt
	}
	for _, tunnel := range objects.Tunnels {
		tunnel.Labels[wire.LabelAttempt] = c.attempt
	}
	objects.Pod.Labels[wire.LabelAttempt] = c.attempt
	return c
}

// sideBySide bounds the dependents that are created at once for one pod.
const sideBySide = 8

// run creates all objects and returns the remote pod's UID. When the namespace
// turns out to be gone, somebody deleted it with all that was in it: then it
// begins anew.
func (c *creation) run(ctx context.Context) (jid string, err error) {
	err = retry(ctx, func(ctx context.Context) (err error) {
		jid, err = c.all(ctx)
		if errdefs.Is(err, errdefs.NotFound) && c.objects.Namespace != nil {
			c.lifecycle.namespaces.Delete(c.objects.Namespace.Name)
			if len(c.objects.Tunnels) > 0 {
				c.lifecycle.namespaces.Delete(c.lifecycle.options.Tunnels.Namespace())
			}
			return errdefs.Wrap(errdefs.Unavailable, err)
		}
		return err
	})
	return jid, err
}

// all creates the namespace, then the dependents side by side, then the pod.
func (c *creation) all(ctx context.Context) (jid string, err error) {
	if err := c.lifecycle.ensureNamespace(ctx, c.objects.Namespace); err != nil {
		return "", err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for _, configMap := range c.objects.ConfigMaps {
		group.Go(func() error { return c.dependent(groupCtx, configMap) })
	}
	for _, secret := range c.objects.Secrets {
		group.Go(func() error { return c.dependent(groupCtx, secret) })
	}
	for _, claim := range c.objects.Claims {
		group.Go(func() error { return c.claim(groupCtx, claim) })
	}
	if c.objects.Service != nil {
		group.Go(func() error { return c.dependent(groupCtx, c.objects.Service) })
	}
	if len(c.objects.Tunnels) > 0 {
		group.Go(func() error { return c.tunnels(groupCtx) })
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	return c.pod(ctx)
}

// dependent creates a ConfigMap, a Secret or a Service. One that is there is the same one:
// its name holds the local pod's UID, so an earlier create of this pod made it.
func (c *creation) dependent(ctx context.Context, object metav1.Object) error {
	_, err := c.create(ctx, object)
	if errdefs.Is(err, errdefs.Exists) {
		return nil
	}
	return err
}

// pod creates the pod itself. One that is there is this pod, created by a call
// whose answer was lost or by another replica.
func (c *creation) pod(ctx context.Context) (jid string, err error) {
	pod := c.objects.Pod
	uid, err := c.create(ctx, pod)
	if !errdefs.Is(err, errdefs.Exists) {
		return string(uid), err
	}
	var found *corev1.Pod
	err = retry(ctx, func(ctx context.Context) (err error) {
		found, err = c.lifecycle.cluster.FindPod(ctx, pod.Namespace, c.uid)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case found == nil:
		return "", errdefs.New(errdefs.Exists, "pod %s/%s is there, but not the plugin's: it lacks the label %s", pod.Namespace, pod.Name, wire.LabelPodUID)
	}
	return string(found.UID), nil
}

// create creates one object; a failure that may pass is retried.
func (c *creation) create(ctx context.Context, object metav1.Object) (uid types.UID, err error) {
	c.began.Store(true)
	err = retry(ctx, func(ctx context.Context) (err error) {
		uid, err = c.lifecycle.cluster.Create(ctx, object)
		return err
	})
	return uid, err
}
