package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// rollbackTimeout limits the rollback within a create, so that its caller still gets
// the answer: InterLink waits 120 s (docs/contract.md, HTTP-5), and the create timeout
// is 100 s by default.
const rollbackTimeout = 10 * time.Second

// rollback deletes the pod that this attempt created. The garbage collector then deletes
// what the pod owns. It uses a context of its own, because the end of the call's context
// may be the reason for the failure. What cannot be deleted now, and what the pod does
// not own, goes to the retry queue. The caller holds the lock of the pod.
func (a *createAttempt) rollback(ctx context.Context) {
	if !a.mayHaveCreatedPod && !a.mayHaveCreatedClaims.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	var inUse bool
	err := retry(ctx, func(ctx context.Context) (err error) {
		inUse, err = a.deletePod(ctx)
		return err
	})
	if err == nil && (inUse || !a.mayHaveCreatedClaims.Load() && len(a.objects.Tunnels) == 0) {
		return
	}
	flag, _ := a.lifecycle.rollbacks.LoadOrStore(a.uid, &atomic.Bool{})
	canceled := flag.(*atomic.Bool)
	rollback := job{kind: rollbackJob, name: fmt.Sprintf("roll back create %d", a.lifecycle.rollbackID.Add(1)), log: a.log, run: func(ctx context.Context) error {
		unlock, err := a.lifecycle.podLocks.lock(ctx, a.uid)
		if err != nil {
			return err
		}
		defer unlock()
		if canceled.Load() {
			return nil
		}
		if err := a.rollbackOnce(ctx); err != nil {
			return err
		}
		a.lifecycle.rollbacks.CompareAndDelete(a.uid, flag)
		return nil
	}}
	if err != nil {
		a.log.Warn("rollback failed, will be retried", "error", err)
		a.lifecycle.retries.addAfterFailure(types.UID(a.uid), rollback)
		return
	}
	a.lifecycle.retries.add(types.UID(a.uid), rollback)
}

// cancelPendingRollbacks cancels the rollbacks of a local pod that wait in the retry
// queue: a later create succeeded, and its pod may be the one that a rollback would
// delete. The caller holds the lock of the pod.
func (l *Lifecycle) cancelPendingRollbacks(uid string) {
	if flag, ok := l.rollbacks.LoadAndDelete(uid); ok {
		flag.(*atomic.Bool).Store(true)
	}
}

// rollbackOnce tries once to delete what this attempt created. It may be called again.
func (a *createAttempt) rollbackOnce(ctx context.Context) error {
	inUse, err := a.deletePod(ctx)
	if err != nil || inUse {
		return err
	}
	var failures []error
	if len(a.objects.Tunnels) > 0 {
		failures = append(failures, a.lifecycle.options.Tunnels.Close(ctx, scope.TunnelSelector(a.uid)))
	}
	for _, claim := range a.objects.Claims {
		if claim.Object != nil {
			failures = append(failures, a.rollbackClaim(ctx, claim.Name))
		}
	}
	return errors.Join(failures...)
}

// deletePod deletes the pod that this attempt created. inUse is true if a pod remains that
// another create made or completes, and may have returned to its caller: a pod that this
// attempt did not make, that has started, or that another create has marked.
func (a *createAttempt) deletePod(ctx context.Context) (inUse bool, err error) {
	wanted := a.objects.Pod
	pod, err := a.lifecycle.cluster.Pod(ctx, wanted.Namespace, wanted.Name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return false, nil
	case err != nil:
		return false, err
	case pod.Labels[wire.LabelPodUID] != a.uid:
		return false, nil // it is not the plugin's
	case !a.created(pod), podstate.HasStarted(pod), pod.Annotations[wire.AnnotationCreatedAgain] != "":
		return true, nil
	}
	err = a.lifecycle.cluster.Delete(ctx, pod, nil, true)
	if errdefs.Is(err, errdefs.NotFound) {
		err = nil
	}
	return false, err
}

// rollbackClaim deletes a claim that was created for this pod, if no other pod uses it.
func (a *createAttempt) rollbackClaim(ctx context.Context, name string) error {
	claim, err := a.lifecycle.cluster.Claim(ctx, a.objects.Pod.Namespace, name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return nil
	case err != nil:
		return err
	case claim.Annotations[wire.AnnotationCreatedFor] != a.uid, a.lifecycle.otherInstance(claim) != "":
		return nil
	}
	return a.lifecycle.deleteUnused(ctx, claim, a.uid)
}
