package lifecycle

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// undoTime bounds the undoing within a create, so that its caller still gets the
// answer: InterLink waits 120 s, and the create timeout is 100 s by default.
const undoTime = 10 * time.Second

// undo deletes what this call made, the last first, on a context of its own: the
// call's may be the reason for the failure. What cannot be undone now is tried
// again in the background. The caller holds the locks of the pod and its claims.
func (c *creation) undo(ctx context.Context) {
	if !c.began.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	err := retry(ctx, c.undoAll)
	if err == nil {
		return
	}
	c.log.Warn("undo failed, will be tried again", "error", err)
	flag, _ := c.lifecycle.undoing.LoadOrStore(c.uid, &atomic.Bool{})
	dropped := flag.(*atomic.Bool)
	c.lifecycle.background.keepTrying(c.log, "undo a failed create", func(ctx context.Context) error {
		unlock, err := c.lifecycle.pods.lock(ctx, c.uid)
		if err != nil {
			return err
		}
		defer unlock()
		if dropped.Load() {
			return nil
		}
		release, err := c.lifecycle.lockClaims(ctx, c.objects)
		if err != nil {
			return err
		}
		defer release()
		if err := c.undoAll(ctx); err != nil {
			return err
		}
		c.lifecycle.undoing.CompareAndDelete(c.uid, flag)
		return nil
	})
}

// dropUndos ends the undos of a local pod that wait in the background: a later
// create was answered with the pod, and may use what they would take away. The
// caller holds the pod's lock.
func (l *Lifecycle) dropUndos(uid string) {
	if flag, ok := l.undoing.LoadAndDelete(uid); ok {
		flag.(*atomic.Bool).Store(true)
	}
}

// undoAll is one try; all of it may be repeated. It goes by this call's mark and
// so spares what was there before, and what another replica made. When the pod
// that is there is another replica's, it may also use objects of this call:
// nothing is undone any more then, and the delete of the pod takes all.
func (c *creation) undoAll(ctx context.Context) error {
	cluster, namespace := c.lifecycle.cluster, c.objects.Pod.Namespace
	pod, err := cluster.FindPod(ctx, namespace, c.uid)
	if err != nil {
		return err
	}
	if pod != nil && pod.Labels[wire.LabelAttempt] != c.attempt {
		return nil
	}
	selector := scope.AttemptSelector(c.uid, c.attempt)
	if pod != nil {
		if err := cluster.DeletePods(ctx, namespace, selector, nil); err != nil {
			return err
		}
	}
	var failures []error
	if len(c.objects.Tunnels) > 0 {
		failures = append(failures, c.lifecycle.options.Tunnels.Close(ctx, scope.TunnelAttemptSelector(c.uid, c.attempt)))
	}
	if c.objects.Service != nil {
		failures = append(failures, c.lifecycle.deleteService(ctx, namespace, c.uid, selector))
	}
	if len(c.objects.ConfigMaps) > 0 {
		failures = append(failures, cluster.DeleteConfigMaps(ctx, namespace, selector))
	}
	if len(c.objects.Secrets) > 0 {
		failures = append(failures, cluster.DeleteSecrets(ctx, namespace, selector))
	}
	for _, claim := range c.objects.Claims {
		if claim.Object != nil {
			failures = append(failures, c.undoClaim(ctx, claim.Name))
		}
	}
	return errors.Join(failures...)
}

// undoClaim deletes a claim that this call made, if no other pod uses it already.
func (c *creation) undoClaim(ctx context.Context, name string) error {
	claim, err := c.lifecycle.cluster.Claim(ctx, c.objects.Pod.Namespace, name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil
	case err != nil:
		return err
	case claim.Labels[wire.LabelAttempt] != c.attempt:
		return nil
	}
	return c.lifecycle.deleteUnused(ctx, claim, c.uid)
}
