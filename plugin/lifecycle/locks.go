package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// keyed is a set of locks by name. The zero value is ready; a lock that nobody
// holds or waits for takes no memory.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*lock
}

type lock struct {
	turn  chan struct{} // holds one token while nobody has the lock
	users int           // who has it or waits for it
}

// lock waits for its turn, or for ctx. The caller calls unlock once.
func (k *keyed) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*lock{}
	}
	l, ok := k.locks[key]
	if !ok {
		l = &lock{turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()

	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
	}
	select {
	case <-l.turn:
		return func() { l.turn <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}

// remembered is how long a delete outlives the create that it overtook. A
// local UID never comes back, so longer would do no harm but take memory.
const remembered = 10 * time.Minute

// errDeleted ends a create whose pod is deleted meanwhile.
var errDeleted = errdefs.New(errdefs.Canceled, "the pod was deleted before it was created")

// arrivals lets a delete win over a create of the same pod that is in flight,
// or that arrives after it. The zero value is ready.
type arrivals struct {
	mu      sync.Mutex
	creates map[string]map[*context.CancelCauseFunc]struct{}
	deleted map[string]time.Time
}

// create notes a create. Its context ends with errDeleted when a delete comes;
// the caller calls done once.
func (a *arrivals) create(ctx context.Context, uid string) (_ context.Context, done func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.deleted[uid]; ok {
		return nil, nil, errDeleted
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if a.creates == nil {
		a.creates = map[string]map[*context.CancelCauseFunc]struct{}{}
	}
	if a.creates[uid] == nil {
		a.creates[uid] = map[*context.CancelCauseFunc]struct{}{}
	}
	a.creates[uid][&cancel] = struct{}{}
	return ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		cancel(nil)
		if delete(a.creates[uid], &cancel); len(a.creates[uid]) == 0 {
			delete(a.creates, uid)
		}
	}, nil
}

// delete notes a delete and ends the creates of that pod that are in flight.
func (a *arrivals) delete(uid string) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.deleted == nil {
		a.deleted = map[string]time.Time{}
	}
	for other, at := range a.deleted {
		if now.Sub(at) > remembered {
			delete(a.deleted, other)
		}
	}
	a.deleted[uid] = now
	for cancel := range a.creates[uid] {
		(*cancel)(errDeleted)
	}
}
