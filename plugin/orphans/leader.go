package orphans

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// leaseDuration is how long the Lease is valid without a renewal; another replica
	// takes over after that. It renews every retryPeriod, and gives up leading after
	// renewDeadline without a renewal. There is no hurry: a grace is an hour.
	leaseDuration = time.Minute
	renewDeadline = 40 * time.Second
	retryPeriod   = 10 * time.Second
	// tryLeaseEvery is the pause before the Lease is tried again where it cannot be used.
	tryLeaseEvery = 10 * time.Minute
	// releaseTimeout is how long the end of the process waits until the Lease is
	// released, so that another replica can take over at once.
	releaseTimeout = 500 * time.Millisecond
)

// NewLock returns the lock on a Lease, for this process. The Lease is created when it is
// first used.
func NewLock(client coordinationv1.LeasesGetter, namespace string, s scope.Scope) resourcelock.Interface {
	host, _ := os.Hostname() // only a part of the identity, for people
	return &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: s.LeaseName()},
		Client:     client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())},
		Labels:     map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: s.Instance},
	}
}

// lead runs search while this replica holds the Lease, until ctx is done. Two replicas can
// hold it for a moment, if one of them stands still: so everything that search does
// has preconditions.
func (o *Orphans) lead(ctx context.Context, search func(context.Context)) {
	warned := ""
	for ctx.Err() == nil {
		switch err := o.tryLease(ctx); {
		case ctx.Err() != nil:
			return
		case errdefs.Is(err, errdefs.Unavailable):
			wait(ctx, retryPeriod)
			continue
		case err != nil:
			if err.Error() != warned {
				warned = err.Error()
				o.log.Warn("nothing searches for orphans: the Lease cannot be used", "error", err)
			}
			wait(ctx, tryLeaseEvery)
			continue
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			o.elect(ctx, search)
		}()
		select {
		case <-ended:
		case <-ctx.Done():
			// The release is a call, which can hang.
			released, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
			select {
			case <-ended:
			case <-released.Done():
			}
			cancel()
		}
	}
}

// tryLease reads the Lease, or creates it. It returns an error if this account may not do
// so, or if the namespace of the Lease does not exist.
func (o *Orphans) tryLease(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	lock := o.options.Lock
	_, _, err := lock.Get(ctx)
	if apierrors.IsNotFound(err) {
		now := metav1.Now()
		// A Lease that no replica holds.
		err = lock.Create(ctx, resourcelock.LeaderElectionRecord{LeaseDurationSeconds: 1, AcquireTime: now, RenewTime: now})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
	}
	if err != nil {
		return errdefs.Wrap(kube.Kind(err), fmt.Errorf("use Lease %s: %w", lock.Describe(), err))
	}
	return nil
}

// elect takes part in one election, and runs search if this replica wins it. It returns
// when the Lease is lost, or when ctx is done.
func (o *Orphans) elect(ctx context.Context, search func(context.Context)) {
	var searching sync.WaitGroup
	// client-go would log each attempt of each replica.
	ctx = klog.NewContext(ctx, logr.Discard())
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: o.options.Lock, ReleaseOnCancel: true,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				searching.Go(func() {
					o.log.Info("this replica searches for orphans", "lease", o.options.Lock.Describe())
					search(ctx)
				})
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil { // impossible: the configuration above is valid
		o.log.Error("nothing searches for orphans", "error", err)
		wait(ctx, tryLeaseEvery)
		return
	}
	elector.Run(ctx)
	searching.Wait()
}

// wait waits for a time or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
