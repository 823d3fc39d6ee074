package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// rememberDeleteFor is how long the Lifecycle refuses creates of a pod after its delete.
// A local UID is never used again, so a longer time would only take memory.
const rememberDeleteFor = 10 * time.Minute

// errDeleted is the cause with which a delete ends a create of the same pod.
var errDeleted = errdefs.New(errdefs.Canceled, "the pod was deleted before it was created")

// inFlight records the creates that run and the recent deletes. With it, a delete
// cancels the creates of the same pod that are in flight, and refuses those that
// arrive later (docs/contract.md, DELETE-6). The zero value is ready for use.
type inFlight struct {
	mu      sync.Mutex
	creates map[string]map[*context.CancelCauseFunc]struct{}
	deletes map[string]time.Time
}

// addCreate records a create. A delete of the same pod cancels the returned context
// with errDeleted. The caller calls done once.
func (f *inFlight) addCreate(ctx context.Context, uid string) (_ context.Context, done func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.deletes[uid]; ok {
		return nil, nil, errDeleted
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if f.creates == nil {
		f.creates = map[string]map[*context.CancelCauseFunc]struct{}{}
	}
	if f.creates[uid] == nil {
		f.creates[uid] = map[*context.CancelCauseFunc]struct{}{}
	}
	f.creates[uid][&cancel] = struct{}{}
	return ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		cancel(nil)
		if delete(f.creates[uid], &cancel); len(f.creates[uid]) == 0 {
			delete(f.creates, uid)
		}
	}, nil
}

// addDelete records a delete and cancels the creates of the same pod.
func (f *inFlight) addDelete(uid string) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deletes == nil {
		f.deletes = map[string]time.Time{}
	}
	for other, at := range f.deletes {
		if now.Sub(at) > rememberDeleteFor {
			delete(f.deletes, other)
		}
	}
	f.deletes[uid] = now
	for cancel := range f.creates[uid] {
		(*cancel)(errDeleted)
	}
}
