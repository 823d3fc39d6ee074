package fairqueue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/fairqueue"
)

// One key has many waiters and the others a few: who waits is served round robin, and
// within one key in order of arrival.
func TestOrder(t *testing.T) {
	for _, test := range []struct {
		name    string
		limit   int
		arrive  []string // the first limit of them run at once
		release int
		want    []string // all that run or ran, in this order
	}{
		{"no waiters", 3, []string{"a1", "a2"}, 0, []string{"a1", "a2"}},
		{"one key: oldest first", 1, []string{"a1", "a2", "a3"}, 2, []string{"a1", "a2", "a3"}},
		{"another key comes before a flood", 1, []string{"a1", "a2", "a3", "a4", "b1"}, 4, []string{"a1", "b1", "a2", "a3", "a4"}},
		{"three keys", 1, []string{"a1", "a2", "a3", "b1", "b2", "c1", "c2"}, 6, []string{"a1", "b1", "c1", "a2", "b2", "c2", "a3"}},
		{"one key has half", 4, []string{"a1", "a2", "a3", "a4", "b1"}, 2, []string{"a1", "a2", "b1", "a3", "a4"}},
		{"two at once", 2, []string{"a1", "b1", "c1", "a2", "b2", "c2"}, 4, []string{"a1", "b1", "c1", "a2", "b2", "c2"}},
		{"a key that has half takes its turn later", 2, []string{"a1", "b1", "a2", "c1"}, 2, []string{"a1", "b1", "c1", "a2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := fairqueue.New(test.limit)
				var begun []string
				var releases []func()
				for _, name := range test.arrive {
					go func() {
						release, err := q.Acquire(t.Context(), name[:1])
						if err != nil {
							t.Error(err)
							return
						}
						begun, releases = append(begun, name), append(releases, release)
					}()
					synctest.Wait()
				}
				for i := range test.release {
					releases[i]()
					synctest.Wait()
				}
				if !slices.Equal(begun, test.want) {
					t.Errorf("got %v, want %v", begun, test.want)
				}
				for _, release := range releases[test.release:] {
					release()
					synctest.Wait()
				}
				expectEmpty(t, q)
			})
		})
	}
}

// The work of one key hangs. The others go on, however many wait with that key.
func TestOneKeyHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fairqueue.New(4)
		ctx, cancel := context.WithCancel(t.Context())
		for range 100 {
			go func() {
				if release, err := q.Acquire(ctx, "hangs"); err == nil {
					<-ctx.Done()
					release()
				}
			}()
		}
		synctest.Wait()
		for i := range 10 {
			release, err := q.Acquire(t.Context(), fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			release()
		}
		cancel()
		synctest.Wait()
		expectEmpty(t, q)
	})
}

func TestEndedContext(t *testing.T) {
	busy := errors.New("too busy")
	acquire := func(t *testing.T, q *fairqueue.Queue) func() {
		release, err := q.Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		return release
	}

	t.Run("a waiter leaves with the cause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := fairqueue.New(1)
			release := acquire(t, q)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 90*time.Second, busy)
			defer cancel()
			start := time.Now()
			if _, err := q.Acquire(ctx, "a"); !errors.Is(err, busy) {
				t.Errorf("got %v, want %v", err, busy)
			}
			if waited := time.Since(start); waited != 90*time.Second {
				t.Errorf("waited %s", waited)
			}
			release()
			expectEmpty(t, q)
		})
	})

	t.Run("before the call", func(t *testing.T) {
		q := fairqueue.New(1)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(busy)
		if _, err := q.Acquire(ctx, "a"); !errors.Is(err, busy) {
			t.Errorf("got %v, want %v", err, busy)
		}
		expectEmpty(t, q)
	})

	// Whichever comes first, the slot is free afterwards.
	for _, first := range []string{"cancel", "release"} {
		t.Run("at the moment of its turn, first "+first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for range 200 { // goroutines run in another order each time
					q := fairqueue.New(1)
					release := acquire(t, q)
					ctx, cancel := context.WithCancelCause(t.Context())
					go func() {
						switch release, err := q.Acquire(ctx, "b"); {
						case err == nil && first == "cancel":
							t.Error("the work may run, although its caller left before its turn")
						case err == nil:
							release()
						case !errors.Is(err, busy):
							t.Errorf("got %v, want %v", err, busy)
						}
					}()
					synctest.Wait()
					if first == "cancel" {
						cancel(busy)
						release()
					} else {
						release()
						cancel(busy)
					}
					synctest.Wait()
					expectEmpty(t, q)
				}
			})
		})
	}
}

func TestReleaseTwice(t *testing.T) {
	q := fairqueue.New(2)
	first, err := q.Acquire(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Acquire(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	first()
	first()
	if held := q.Held(); held != 1 {
		t.Errorf("%d run, want 1", held)
	}
}

func TestNewPanicsWithoutLimit(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	fairqueue.New(0)
}

// Many goroutines wait, work, and give up at random moments: never do more than the limit
// run, and at the end nothing is left.
func TestManyAtOnce(t *testing.T) {
	const limit, keys, workers = 7, 40, 2000
	q := fairqueue.New(limit)
	var running, most, gaveUp atomic.Int64
	var all sync.WaitGroup
	for i := range workers {
		ctx, cancel := context.WithCancel(t.Context())
		if i%3 == 0 {
			all.Go(func() {
				time.Sleep(rand.N(2 * time.Millisecond))
				cancel()
			})
		}
		all.Go(func() {
			defer cancel()
			release, err := q.Acquire(ctx, fmt.Sprint(i%keys))
			if err != nil {
				gaveUp.Add(1)
				return
			}
			now := running.Add(1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			time.Sleep(rand.N(20 * time.Microsecond))
			running.Add(-1)
			release()
		})
	}
	all.Wait()
	if most.Load() > limit {
		t.Errorf("%d at the same time, limit %d", most.Load(), limit)
	}
	if gaveUp.Load() > workers/3+1 {
		t.Errorf("%d did not run, but only a third gave up", gaveUp.Load())
	}
	expectEmpty(t, q)
}

func expectEmpty(t *testing.T, q *fairqueue.Queue) {
	t.Helper()
	if q.Held() != 0 || q.Waiting() != 0 || q.Keys() != 0 {
		t.Errorf("%d run, %d wait, %d keys are remembered; want none", q.Held(), q.Waiting(), q.Keys())
	}
}

func BenchmarkAcquire(b *testing.B) {
	for _, test := range []struct{ waiters, keys int }{{0, 1}, {2000, 1}, {2000, 1000}, {20000, 1000}} {
		b.Run(fmt.Sprintf("waiters=%d/keys=%d", test.waiters, test.keys), func(b *testing.B) {
			q := fairqueue.New(1)
			var all sync.WaitGroup
			var left atomic.Int64
			left.Store(int64(b.N))
			for i := range test.waiters + 1 {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						release, err := q.Acquire(b.Context(), fmt.Sprint(i%test.keys))
						if err != nil {
							b.Error(err)
							return
						}
						release()
					}
				})
			}
			all.Wait()
		})
	}
}
