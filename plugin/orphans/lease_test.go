package orphans_test

import (
	"context"
	"encoding/json"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

var leases = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}

// lease is the Lease in the remote cluster.
type lease struct {
	version int // 0: it does not exist
	record  resourcelock.LeaderElectionRecord
}

// lock is the Lease as one process uses it: with the version that it read last.
type lock struct {
	*process
	known int
}

// use calls carryOut with the Lease, if the process and the cluster permit it.
func (l *lock) use(ctx context.Context, carryOut func(*lease) error) error {
	l.world.mu.Lock()
	hang := l.world.hang
	l.world.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return remote{l.process}.callAt(ctx, nil, func() error {
		l.world.mu.Lock()
		defer l.world.mu.Unlock()
		if l.world.refuse != nil {
			return l.world.refuse
		}
		return carryOut(&l.world.lease)
	})
}

func (l *lock) Get(ctx context.Context) (record *resourcelock.LeaderElectionRecord, raw []byte, err error) {
	err = l.use(ctx, func(found *lease) error {
		if found.version == 0 {
			return apierrors.NewNotFound(leases, "lease")
		}
		l.known = found.version
		copied := found.record
		record = &copied
		raw, err = json.Marshal(copied)
		return err
	})
	return record, raw, err
}

func (l *lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.use(ctx, func(found *lease) error {
		if found.version != 0 {
			return apierrors.NewAlreadyExists(leases, "lease")
		}
		*found = lease{version: 1, record: record}
		l.known = 1
		return nil
	})
}

func (l *lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.use(ctx, func(found *lease) error {
		if found.version != l.known {
			return apierrors.NewConflict(leases, "lease", errKilled)
		}
		found.version, found.record = found.version+1, record
		l.known = found.version
		return nil
	})
}

func (l *lock) RecordEvent(string) {}
func (l *lock) Identity() string   { return l.id }
func (l *lock) Describe() string   { return "lease of " + strconv.Quote(l.id) }
