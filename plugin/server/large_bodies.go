package server

import (
	"context"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// smallBody is the size in bytes up to which a request waits for no other one. Requests of
// InterLink are smaller, apart from creates with large ConfigMaps and Secrets.
const smallBody = 64 << 10

// freeAtOnce is the size in bytes from which the memory of a request is freed before the next
// large request begins. The garbage collector alone waits until the memory in use has doubled.
const freeAtOnce = 8 << 20

// largeBodies lets requests with large bodies take turns, so that the memory of the plugin
// stays bounded whatever callers send.
type largeBodies struct {
	// total is how many bytes the large bodies in memory may have together.
	total int64
	bytes *semaphore.Weighted
	// timeout limits the time that a request may wait for its turn.
	timeout time.Duration
	waiting atomic.Int32 // for tests
}

func newLargeBodies(total int64, timeout time.Duration) *largeBodies {
	return &largeBodies{total: total, bytes: semaphore.NewWeighted(total), timeout: timeout}
}

// turn is the room that a request has.
type turn struct {
	of   *largeBodies
	size int64
}

// enter waits until there is room for the body of a request. The caller must call leave when the request
// is no longer in memory. A body of unknown length counts as one of the largest size, until the caller has
// read it and calls shrink. A body that is too large counts as none, since it is not read. The error is of
// kind Unavailable if there is no room in time.
func (l *largeBodies) enter(r *http.Request) (*turn, error) {
	size := r.ContentLength
	if size < 0 {
		size = l.total
	}
	if size <= smallBody || size > l.total {
		return &turn{of: l}, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), l.timeout)
	defer cancel()
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	if err := l.bytes.Acquire(ctx, size); err != nil {
		return nil, errdefs.New(errdefs.Unavailable, "too many large requests at once: there was no room for one of %d bytes within %s", size, l.timeout)
	}
	return &turn{l, size}, nil
}

// shrink gives back the room that a body does not need which has been read.
func (t *turn) shrink(size int) {
	need := int64(size)
	if need <= smallBody {
		need = 0
	}
	if need < t.size {
		t.of.bytes.Release(t.size - need)
		t.size = need
	}
}

func (t *turn) leave() {
	if t.size == 0 {
		return
	}
	if t.size > freeAtOnce {
		debug.FreeOSMemory()
	}
	t.of.bytes.Release(t.size)
}
