package lifecycle

import (
	"context"
	"sync"
)

// keyedMutex is a set of locks, one for each key. The zero value is ready for use. A
// lock that is not in use takes no memory.
type keyedMutex struct {
	mu    sync.Mutex
	locks map[string]*refCountedLock
}

type refCountedLock struct {
	free  chan struct{} // holds one token while the lock is free
	users int           // the number of goroutines that hold the lock or wait for it
}

// lock waits until the lock of a key is free, or until ctx is done. The caller calls
// unlock once.
func (m *keyedMutex) lock(ctx context.Context, key string) (unlock func(), err error) {
	m.mu.Lock()
	if m.locks == nil {
		m.locks = map[string]*refCountedLock{}
	}
	l, ok := m.locks[key]
	if !ok {
		l = &refCountedLock{free: make(chan struct{}, 1)}
		l.free <- struct{}{}
		m.locks[key] = l
	}
	l.users++
	m.mu.Unlock()

	release := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(m.locks, key)
		}
	}
	select {
	case <-l.free:
		return func() { l.free <- struct{}{}; release() }, nil
	case <-ctx.Done():
		release()
		return nil, context.Cause(ctx)
	}
}
