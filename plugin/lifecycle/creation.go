package lifecycle

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// creation is one create on its way: what it made, so that it can be undone.
type creation struct {
	lifecycle *Lifecycle
	objects   *translate.Objects
	uid       string // the local pod's
	log       *slog.Logger

	mu   sync.Mutex
	made []made
}

// made is an object that this call created, or may have created: the UID is
// empty where the answer was lost.
type made struct {
	object metav1.Object
	uid    types.UID
}

// undoTime bounds the undoing within a create, so that its caller still gets the
// answer: InterLink waits 120 s, and the create timeout is 100 s by default.
const undoTime = 10 * time.Second

// sideBySide bounds the dependents that are created at once for one pod.
const sideBySide = 8

// run creates the namespace, then the dependents side by side, then the pod,
// and returns the remote pod's UID.
func (c *creation) run(ctx context.Context) (jid string, err error) {
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
	if err := group.Wait(); err != nil {
		return "", err
	}
	return c.pod(ctx)
}

// dependent creates a ConfigMap or a Secret. One that is there is the same one:
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
		return "", errdefs.New(errdefs.Exists, "pod %s/%s is there, but not the plugin's: it lacks the label %s", pod.Namespace, pod.Name, scope.LabelPodUID)
	}
	return string(found.UID), nil
}

// create creates one object, and notes it for undoing. A failure that may pass
// is retried; a namespace that has gone is made again. When an answer was lost,
// an object that then exists is taken for the one that was created.
func (c *creation) create(ctx context.Context, object metav1.Object) (types.UID, error) {
	var (
		uid  types.UID
		lost bool // an answer was
	)
	err := retry(ctx, func(ctx context.Context) (err error) {
		uid, err = c.lifecycle.cluster.Create(ctx, object)
		switch errdefs.KindOf(err) {
		case "":
			c.note(object, uid)
		case errdefs.Unavailable, errdefs.Canceled, errdefs.Internal:
			lost = true
		case errdefs.NotFound:
			// Only the namespace can be missing. Someone deleted it.
			if c.objects.Namespace != nil {
				c.lifecycle.namespaces.Delete(object.GetNamespace())
				if err := c.lifecycle.ensureNamespace(ctx, c.objects.Namespace); err != nil {
					return err
				}
				return errdefs.Wrap(errdefs.Unavailable, err)
			}
		}
		return err
	})
	if lost && err != nil {
		c.note(object, "")
	}
	return uid, err
}

func (c *creation) note(object metav1.Object, uid types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, made{object: object, uid: uid})
}

// undo deletes what this call made, the last first, on a context of its own:
// the call's may be the reason for the failure. What cannot be undone now is
// tried again in the background.
func (c *creation) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	slices.Reverse(c.made)
	var left []made
	for _, m := range c.made {
		if err := retry(ctx, func(ctx context.Context) error { return c.undoOne(ctx, m) }); err != nil {
			c.log.Warn("undo failed", "error", err)
			left = append(left, m)
		}
	}
	if len(left) == 0 {
		return
	}
	c.lifecycle.background.keepTrying(c.log, "undo a failed create", func(ctx context.Context) error {
		unlock, err := c.lifecycle.pods.lock(ctx, c.uid)
		if err != nil {
			return err
		}
		defer unlock()
		// A later create of the same pod may have found these objects and use them.
		pod, err := c.lifecycle.cluster.FindPod(ctx, c.objects.Pod.Namespace, c.uid)
		if err != nil {
			return err
		}
		if pod != nil && !slices.ContainsFunc(left, func(m made) bool { return m.object == metav1.Object(c.objects.Pod) }) {
			return nil
		}
		for len(left) > 0 {
			if err := c.undoOne(ctx, left[0]); err != nil {
				return err
			}
			left = left[1:]
		}
		return nil
	})
}

func (c *creation) undoOne(ctx context.Context, m made) error {
	if claim, ok := m.object.(*corev1.PersistentVolumeClaim); ok {
		used, err := c.lifecycle.claimUsed(ctx, claim.Namespace, claim.Name, c.uid)
		if err != nil || used {
			return err
		}
	}
	return c.lifecycle.cluster.Delete(ctx, m.object, m.uid)
}
