package fairqueue_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/fairqueue"
)

// The model is the queue again, as simply as possible: it searches all waiters for the
// one to serve next.
type model struct {
	limit, clock     int
	waiting, running []int          // the numbers of waiters
	keys             map[int]string // of waiters
	turn             map[string]int // since when a key may run more work; none if it may not
}

func (m *model) count(waiters []int, key string) (n int) {
	for _, w := range waiters {
		if m.keys[w] == key {
			n++
		}
	}
	return n
}

func (m *model) mayRun(key string) bool {
	return m.count(m.waiting, key) > 0 && m.count(m.running, key) < (m.limit+1)/2
}

func (m *model) enter(w int, key string) {
	m.keys[w] = key
	m.waiting = append(m.waiting, w)
	m.serve()
}

func (m *model) leave(w int) {
	is := func(other int) bool { return other == w }
	m.waiting = slices.DeleteFunc(m.waiting, is)
	m.running = slices.DeleteFunc(m.running, is)
	m.serve()
}

func (m *model) serve() {
	for {
		for _, key := range m.keys {
			if !m.mayRun(key) {
				delete(m.turn, key)
			} else if m.turn[key] == 0 { // at most one key at a time begins to be able to run
				m.clock++
				m.turn[key] = m.clock
			}
		}
		if len(m.running) == m.limit || len(m.turn) == 0 {
			return
		}
		first := ""
		for key, turn := range m.turn {
			if first == "" || turn < m.turn[first] {
				first = key
			}
		}
		i := slices.IndexFunc(m.waiting, func(w int) bool { return m.keys[w] == first })
		m.running = append(m.running, m.waiting[i])
		m.waiting = slices.Delete(m.waiting, i, i+1)
		delete(m.turn, first)
	}
}

// compare lets the queue and its model do the same steps, one for each byte, and compares
// who runs after each.
func compare(t *testing.T, steps []byte) {
	if len(steps) == 0 {
		return
	}
	limit := int(steps[0]%4) + 1
	q := fairqueue.New(limit)
	m := &model{limit: limit, keys: map[int]string{}, turn: map[string]int{}}
	type acquired struct {
		w       int
		release func()
	}
	served := make(chan acquired, len(steps))
	cancels, releases := map[int]context.CancelFunc{}, map[int]func(){}
	var running []int
	for w, step := range steps[1:] {
		switch action, argument := step%4, int(step/4); {
		case action <= 1: // a new waiter
			key := fmt.Sprint(argument % 5)
			ctx, cancel := context.WithCancel(t.Context())
			cancels[w] = cancel
			m.enter(w, key)
			go func() {
				if release, err := q.Acquire(ctx, key); err == nil {
					served <- acquired{w, release}
				}
			}()
		case action == 2 && len(m.waiting) > 0: // a waiter gives up
			gone := m.waiting[argument%len(m.waiting)]
			m.leave(gone)
			cancels[gone]()
		case action == 3 && len(m.running) > 0: // work ends
			done := m.running[argument%len(m.running)]
			m.leave(done)
			running = slices.DeleteFunc(running, func(w int) bool { return w == done })
			releases[done]()
		}
		synctest.Wait()
		for len(served) > 0 {
			got := <-served
			running = append(running, got.w)
			releases[got.w] = got.release
		}
		if !slices.Equal(running, m.running) {
			t.Fatalf("step %d: %v run, want %v", w, running, m.running)
		}
		if q.Held() != len(m.running) || q.Waiting() != len(m.waiting) {
			t.Fatalf("step %d: %d run and %d wait, want %d and %d", w, q.Held(), q.Waiting(), len(m.running), len(m.waiting))
		}
	}
	for _, cancel := range cancels {
		cancel()
	}
	synctest.Wait()
	for _, release := range releases {
		release()
	}
	expectEmpty(t, q)
}

func TestModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		steps := make([]byte, 300)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		synctest.Test(t, func(t *testing.T) { compare(t, steps) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte{0, 0, 0, 4, 3, 3, 3})
	f.Add([]byte{1, 0, 0, 0, 0, 4, 4, 2, 6, 3, 7})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 1000 {
			t.Skip("too long to be of use")
		}
		synctest.Test(t, func(t *testing.T) { compare(t, steps) })
	})
}
