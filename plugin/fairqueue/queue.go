package fairqueue

import (
	"container/list"
	"context"
	"fmt"
	"sync"
)

// Queue limits the work that runs at the same time. Each of its operations takes constant
// time, whatever the number of keys and waiters is. A key without waiters takes no memory.
type Queue struct {
	limit int

	mu      sync.Mutex
	held    int
	waiting int
	keys    map[string]*list.Element // of turns, for each key with waiters
	turns   list.List                // of *line; the front is served next
}

// A line holds the waiters of one key. It is never empty.
type line struct {
	key     string
	waiters list.List // of *waiter; the front is the oldest
}

type waiter struct {
	key    string
	place  *list.Element // in its line; nil once it is served
	served chan struct{} // closed once it is served
}

// New returns a queue that lets limit pieces of work run at the same time. It panics if
// limit is less than 1, because no work could ever run.
func New(limit int) *Queue {
	if limit < 1 {
		panic(fmt.Sprintf("fairqueue: a limit of %d", limit))
	}
	return &Queue{limit: limit, keys: map[string]*list.Element{}}
}

// Acquire waits until work of this key may run. The caller calls release when the work
// has ended; to call it more than once has no effect.
//
// If ctx ends first, Acquire returns the cause, and the caller must not run the work. So a
// caller that can wait for some time only gives ctx a timeout and says in its cause what
// happened: see [context.WithTimeoutCause]. If ctx has ended, Acquire never succeeds.
func (q *Queue) Acquire(ctx context.Context, key string) (release func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w := q.enter(key)
	select {
	case <-w.served:
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // also if it was served at the same moment
		q.leave(w)
		return nil, context.Cause(ctx)
	}
	return sync.OnceFunc(func() { q.leave(w) }), nil
}

// Held returns how much work runs.
func (q *Queue) Held() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}

// Waiting returns how much work waits.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// enter puts a waiter at the end of the line of its key. A key without a line gets its
// first turn after all keys that wait already.
func (q *Queue) enter(key string) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	turn, ok := q.keys[key]
	if !ok {
		turn = q.turns.PushBack(&line{key: key})
		q.keys[key] = turn
	}
	w := &waiter{key: key, served: make(chan struct{})}
	w.place = turn.Value.(*line).waiters.PushBack(w)
	q.waiting++
	q.serve()
	return w
}

// leave takes a waiter out of its line, or ends its work if it was served.
func (q *Queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.place != nil {
		q.remove(w)
		return
	}
	q.held--
	q.serve()
}

// serve lets waiters run until the limit is reached. The key of each goes behind the
// other keys.
func (q *Queue) serve() {
	for q.held < q.limit && q.waiting > 0 {
		turn := q.turns.Front()
		w := turn.Value.(*line).waiters.Front().Value.(*waiter)
		q.turns.MoveToBack(turn)
		q.remove(w)
		q.held++
		close(w.served)
	}
}

// remove takes a waiter out of its line, and forgets the key if the line is empty then.
func (q *Queue) remove(w *waiter) {
	turn := q.keys[w.key]
	l := turn.Value.(*line)
	l.waiters.Remove(w.place)
	w.place = nil
	q.waiting--
	if l.waiters.Len() == 0 {
		q.turns.Remove(turn)
		delete(q.keys, w.key)
	}
}
