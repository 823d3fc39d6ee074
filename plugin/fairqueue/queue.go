package fairqueue

import (
	"container/list"
	"context"
	"fmt"
	"sync"
)

// Queue limits the work that runs at the same time. Each of its operations takes constant
// time, whatever the number of keys and waiters is. A key without work takes no memory.
type Queue struct {
	limit, limitPerKey int

	mu      sync.Mutex
	held    int
	waiting int
	lines   map[string]*line // of the keys with work that runs or waits
	turns   list.List        // of *line: those from which work may run; the front is next
}

// A line is what the queue knows of one key.
type line struct {
	key     string
	held    int
	waiters list.List     // of *waiter; the front is the oldest
	turn    *list.Element // of turns, or nil
}

type waiter struct {
	line   *line
	place  *list.Element // in its line; nil once it is served
	served chan struct{} // closed once it is served
}

// New returns a queue that lets limit pieces of work run at the same time, but only half
// of them with the same key: if all work of one key hangs, the other half is there for
// the others. It panics if limit is less than 1, because no work could ever run.
func New(limit int) *Queue {
	if limit < 1 {
		panic(fmt.Sprintf("fairqueue: a limit of %d", limit))
	}
	return &Queue{limit: limit, limitPerKey: (limit + 1) / 2, lines: map[string]*line{}}
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

// enter puts a waiter at the end of the line of its key.
func (q *Queue) enter(key string) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, ok := q.lines[key]
	if !ok {
		l = &line{key: key}
		q.lines[key] = l
	}
	w := &waiter{line: l, served: make(chan struct{})}
	w.place = l.waiters.PushBack(w)
	q.waiting++
	q.update(l)
	q.serve()
	return w
}

// leave takes a waiter out of its line, or ends its work if it was served.
func (q *Queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.place != nil {
		q.remove(w)
	} else {
		q.held--
		w.line.held--
	}
	q.update(w.line)
	q.serve()
}

// serve lets waiters run until the limit is reached. The key of each goes behind the
// other keys.
func (q *Queue) serve() {
	for q.held < q.limit && q.turns.Len() > 0 {
		l := q.turns.Front().Value.(*line)
		w := l.waiters.Front().Value.(*waiter)
		q.remove(w)
		q.held++
		l.held++
		close(w.served)
		q.turns.MoveToBack(l.turn)
		q.update(l)
	}
}

func (q *Queue) remove(w *waiter) {
	w.line.waiters.Remove(w.place)
	w.place = nil
	q.waiting--
}

// update gives a line a turn, after all others, or takes its turn away. It forgets a line
// without work.
func (q *Queue) update(l *line) {
	switch mayRun := l.waiters.Len() > 0 && l.held < q.limitPerKey; {
	case mayRun && l.turn == nil:
		l.turn = q.turns.PushBack(l)
	case !mayRun && l.turn != nil:
		q.turns.Remove(l.turn)
		l.turn = nil
	}
	if l.waiters.Len() == 0 && l.held == 0 {
		delete(q.lines, l.key)
	}
}
