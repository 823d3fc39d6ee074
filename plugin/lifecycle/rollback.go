package lifecycle

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// rollbackTimeout limits the rollback within a create, so that its caller still gets
// the answer: InterLink waits 120 s (docs/contract.md, HTTP-5), and the create timeout
// is 100 s by default.
const rollbackTimeout = 10 * time.Second

// rollback deletes what this attempt created. It uses a context of its own, because
// the end of the call's context may be the reason for the failure. What cannot be
// deleted now goes to the retry queue. The caller holds the locks of the pod and its
// claims.
func (a *createAttempt) rollback(ctx context.Context) {
	if !a.mayHaveCreated.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	err := retry(ctx, a.rollbackOnce)
	if err == nil {
		return
	}
	a.log.Warn("rollback failed, will be retried", "error", err)
	flag, _ := a.lifecycle.rollbacks.LoadOrStore(a.uid, &atomic.Bool{})
	canceled := flag.(*atomic.Bool)
	a.lifecycle.retries.addAfterFailure(types.UID(a.uid), job{name: "roll back create " + a.id, log: a.log, run: func(ctx context.Context) error {
		unlock, err := a.lifecycle.podLocks.lock(ctx, a.uid)
		if err != nil {
			return err
		}
		defer unlock()
		if canceled.Load() {
			return nil
		}
		unlockClaims, err := a.lifecycle.lockClaims(ctx, a.objects)
		if err != nil {
			return err
		}
		defer unlockClaims()
		if err := a.rollbackOnce(ctx); err != nil {
			return err
		}
		a.lifecycle.rollbacks.CompareAndDelete(a.uid, flag)
		return nil
	}})
}

// cancelPendingRollbacks cancels the rollbacks of a local pod that wait in the retry
// queue: a later create succeeded, and its pod may use the objects that a rollback
// would delete. The caller holds the lock of the pod.
func (l *Lifecycle) cancelPendingRollbacks(uid string) {
	if flag, ok := l.rollbacks.LoadAndDelete(uid); ok {
		flag.(*atomic.Bool).Store(true)
	}
}

// rollbackOnce tries once to delete what this attempt created, the pod first. It may
// be called again. It selects by the attempt's label, and so keeps what existed before
// and what another replica created. If the pod belongs to another replica's create,
// that pod may use objects of this attempt: rollbackOnce then deletes nothing, and the
// delete of the pod will delete them.
func (a *createAttempt) rollbackOnce(ctx context.Context) error {
	cluster, namespace := a.lifecycle.cluster, a.objects.Pod.Namespace
	pod, err := cluster.FindPod(ctx, namespace, a.uid)
	if err != nil {
		return err
	}
	if pod != nil && pod.Labels[wire.LabelAttempt] != a.id {
		return nil
	}
	selector := scope.AttemptSelector(a.uid, a.id)
	if pod != nil {
		if err := cluster.DeletePods(ctx, namespace, selector, nil); err != nil {
			return err
		}
	}
	var failures []error
	if len(a.objects.Tunnels) > 0 {
		failures = append(failures, a.lifecycle.options.Tunnels.Close(ctx, scope.TunnelAttemptSelector(a.uid, a.id)))
	}
	if a.objects.Service != nil {
		failures = append(failures, a.lifecycle.deleteService(ctx, namespace, a.uid, selector))
	}
	if len(a.objects.ConfigMaps) > 0 {
		failures = append(failures, cluster.DeleteConfigMaps(ctx, namespace, selector))
	}
	if len(a.objects.Secrets) > 0 {
		failures = append(failures, cluster.DeleteSecrets(ctx, namespace, selector))
	}
	for _, claim := range a.objects.Claims {
		if claim.Object != nil {
			failures = append(failures, a.rollbackClaim(ctx, claim.Name))
		}
	}
	return errors.Join(failures...)
}

// rollbackClaim deletes a claim that this attempt created, if no other pod uses it.
func (a *createAttempt) rollbackClaim(ctx context.Context, name string) error {
	claim, err := a.lifecycle.cluster.Claim(ctx, a.objects.Pod.Namespace, name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil
	case err != nil:
		return err
	case claim.Labels[wire.LabelAttempt] != a.id:
		return nil
	}
	return a.lifecycle.deleteUnused(ctx, claim, a.uid)
}
