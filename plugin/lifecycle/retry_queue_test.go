package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// queueTest is a retry queue under virtual time, with the times at which its jobs ran.
type queueTest struct {
	retryQueue
	log   *testkit.Log
	start time.Time

	runsMu sync.Mutex
	runs   []string
}

// testQueue runs a test of a retry queue without jitter under virtual time, and closes
// the queue at the end.
func testQueue(t *testing.T, test func(t *testing.T, q *queueTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := &queueTest{log: testkit.NewLog(t), start: time.Now()}
		q.backoff = exponentialBackoff()
		test(t, q)
		q.close(t.Context())
	})
}

// job returns a job that fails with each of the errors in turn and then succeeds.
func (q *queueTest) job(name string, errs ...error) job {
	return job{name: name, log: q.log.Logger(), run: func(context.Context) error {
		q.runsMu.Lock()
		q.runs = append(q.runs, fmt.Sprintf("%s at %s", name, time.Since(q.start)))
		q.runsMu.Unlock()
		if len(errs) == 0 {
			return nil
		}
		err := errs[0]
		errs = errs[1:]
		return err
	}}
}

// runsSoFar returns when each job has run.
func (q *queueTest) runsSoFar() []string {
	q.runsMu.Lock()
	defer q.runsMu.Unlock()
	return slices.Clone(q.runs)
}

// check compares the runs of jobs so far with the wanted ones.
func (q *queueTest) check(t *testing.T, want ...string) {
	t.Helper()
	if runs := q.runsSoFar(); !slices.Equal(runs, want) {
		t.Errorf("the jobs ran: %q, want %q", runs, want)
	}
}

var errTest = errors.New("injected")

func TestJobIsRetriedUntilItSucceeds(t *testing.T) {
	for _, test := range []struct {
		name string
		add  func(*queueTest, types.UID, job)
		runs []string
	}{
		{"at once", func(q *queueTest, uid types.UID, j job) { q.add(uid, j) }, []string{"delete at 0s", "delete at 1s", "delete at 3s"}},
		{"after a failure", func(q *queueTest, uid types.UID, j job) { q.addAfterFailure(uid, j) }, []string{"delete at 1s", "delete at 3s", "delete at 7s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			testQueue(t, func(t *testing.T, q *queueTest) {
				test.add(q, "uid", q.job("delete", errTest, errTest))
				time.Sleep(time.Hour)
				q.check(t, test.runs...)
				if n := q.pending("uid"); n != 0 {
					t.Errorf("%d jobs are pending after the success", n)
				}
				for _, line := range []string{"failed, will be retried", "succeeded after retry"} { // docs/troubleshooting.md explains them
					if !strings.Contains(q.log.String(), line) {
						t.Errorf("the log does not contain %q", line)
					}
				}
			})
		})
	}
}

func TestBackoffIsAtMostOneMinute(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		q.add("uid", q.job("delete", slices.Repeat([]error{errTest}, 100)...))
		time.Sleep(time.Hour)
		if n := len(q.runsSoFar()); n < 60 || n > 70 {
			t.Errorf("the job ran %d times in an hour", n)
		}
	})
}

func TestPermanentFailureIsNotRetried(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		q.add("uid", q.job("delete", fmt.Errorf("%w: forbidden", errPermanent)))
		time.Sleep(time.Hour)
		q.check(t, "delete at 0s")
		if n := q.pending("uid"); n != 0 {
			t.Errorf("%d jobs are pending after the permanent failure", n)
		}
		if !strings.Contains(q.log.String(), "failed permanently") {
			t.Error("the log does not show the permanent failure")
		}
		q.add("uid", q.job("delete")) // it may be added again
		time.Sleep(time.Hour)
		q.check(t, "delete at 0s", "delete at 1h0m0s")
	})
}

// Jobs that fail together are not retried together.
func TestBackoffHasJitter(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		q.backoff = nil // the default
		const uids = 100
		for i := range uids {
			q.add(types.UID(fmt.Sprint(i)), q.job("delete", errTest))
		}
		time.Sleep(minBackoff - 1)
		if n := len(q.runsSoFar()); n != uids {
			t.Errorf("%d jobs ran before the shortest pause, want %d", n, uids)
		}
		time.Sleep(minBackoff/2 + 1) // jitterFactor is 0.5
		retries := q.runsSoFar()[uids:]
		if n := len(retries); n != uids {
			t.Errorf("%d jobs ran again within the longest pause, want %d", n, uids)
		}
		if n := len(slices.Compact(slices.Sorted(slices.Values(retries)))); n < uids/2 {
			t.Errorf("%d jobs were retried at %d different times only", uids, n)
		}
	})
}

func TestJobsOfOneUIDDoNotRunAtTheSameTime(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		var running, most atomic.Int32 // jobs at the same time, now and at most
		slow := func(name string) job {
			j := q.job(name)
			run := j.run
			j.run = func(ctx context.Context) error {
				running.Add(1)
				time.Sleep(5 * time.Second)
				most.Store(max(most.Load(), running.Load())) // no job starts or ends at this moment
				time.Sleep(5 * time.Second)
				running.Add(-1)
				return run(ctx)
			}
			return j
		}
		q.add("uid", slow("delete"))
		time.Sleep(time.Second)
		q.add("uid", slow("roll back")) // another job for the same UID
		time.Sleep(time.Hour)
		q.check(t, "delete at 10s", "roll back at 20s")
		if n := most.Load(); n != 1 {
			t.Errorf("%d jobs of one UID ran at the same time", n)
		}
		q.add("uid", slow("delete"))
		q.add("other uid", slow("delete"))
		time.Sleep(time.Hour)
		if most.Load() != 2 {
			t.Error("jobs of two UIDs did not run at the same time")
		}
	})
}

// A later job with the same name replaces the earlier one: it knows a newer state of the
// pod, for example the grace period of a later delete.
func TestLaterJobReplacesAnEarlierOne(t *testing.T) {
	// named returns a job with the name "delete" whose runs are recorded as name.
	named := func(q *queueTest, name string, errs ...error) job {
		j := q.job(name, errs...)
		j.name = "delete"
		return j
	}
	t.Run("while the earlier job waits", func(t *testing.T) {
		testQueue(t, func(t *testing.T, q *queueTest) {
			q.addAfterFailure("uid", named(q, "earlier"))
			q.addAfterFailure("uid", named(q, "later", errTest)) // it does not lengthen the pause
			time.Sleep(500 * time.Millisecond)
			q.add("uid", named(q, "last")) // it does not shorten the pause
			if n := q.pending("uid"); n != 1 {
				t.Errorf("%d jobs are pending, want 1", n)
			}
			time.Sleep(time.Hour)
			q.check(t, "last at 1s")
		})
	})
	t.Run("while the earlier job runs", func(t *testing.T) {
		for _, result := range []error{nil, errTest, errPermanent} {
			testQueue(t, func(t *testing.T, q *queueTest) {
				q.add("uid", job{name: "delete", log: q.log.Logger(), run: func(context.Context) error {
					time.Sleep(10 * time.Second)
					return result
				}})
				time.Sleep(time.Second)
				q.add("uid", named(q, "later"))
				time.Sleep(time.Hour)
				q.check(t, "later at 11s") // after the pause of 1 s
				if n := q.pending("uid"); n != 0 {
					t.Errorf("%d jobs are pending, want none", n)
				}
			})
		}
	})
}

// Attempts that hang do not delay the jobs of other UIDs. If even more hang than the
// queue has workers, the other jobs run once these attempts have ended.
func TestHangingJobs(t *testing.T) {
	for _, test := range []struct {
		name     string
		hanging  int
		finished time.Duration // when the jobs of the other UIDs have run
	}{
		{"fewer than workers", retryWorkers - 1, 0},
		{"as many as workers", retryWorkers, attemptTimeout},
		{"more than workers", 3*retryWorkers - 1, 2 * attemptTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			testQueue(t, func(t *testing.T, q *queueTest) {
				log := slog.New(slog.DiscardHandler)
				var finished atomic.Int32
				for i := range test.hanging {
					hung := false
					q.add(types.UID(fmt.Sprint("hanging ", i)), job{name: "delete", log: log, run: func(ctx context.Context) error {
						if !hung {
							hung = true
							<-ctx.Done()
							return ctx.Err()
						}
						finished.Add(1)
						return nil
					}})
				}
				synctest.Wait()
				const others = 2 * retryWorkers
				var ran atomic.Int32
				for i := range others {
					q.add(types.UID(fmt.Sprint("other ", i)), job{name: "delete", log: log, run: func(context.Context) error {
						ran.Add(1)
						return nil
					}})
				}
				time.Sleep(test.finished)
				synctest.Wait()
				if n := ran.Load(); n != others {
					t.Errorf("%d jobs of other UIDs ran within %s, want %d", n, test.finished, others)
				}
				time.Sleep(time.Hour)
				if n := finished.Load(); int(n) != test.hanging {
					t.Errorf("%d jobs succeeded after their first attempts hung, want %d", n, test.hanging)
				}
			})
		})
	}
}

// Jobs are counted by kind until they succeed, and a newer job keeps the time of the one that it replaces.
func TestJobsAreCounted(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		var retried []errdefs.Kind
		q.retried = func(kind errdefs.Kind) { retried = append(retried, kind) }
		away := errdefs.New(errdefs.Unavailable, "away")
		add := func(kind jobKind, name string, errs ...error) {
			j := q.job(name, errs...)
			j.kind = kind
			q.add("uid", j)
			synctest.Wait()
		}
		expect := func(kind jobKind, want int, oldest time.Duration) {
			t.Helper()
			n, since := q.count(kind)
			if n != want || n > 0 && since.Sub(q.start) != oldest {
				t.Errorf("%d jobs of kind %d since %s, want %d since %s", n, kind, since.Sub(q.start), want, oldest)
			}
		}
		add(deleteJob, "delete", away, away)
		time.Sleep(500 * time.Millisecond)
		add(rollbackJob, "roll back", away, away)
		add(deleteJob, "delete", away)
		expect(deleteJob, 1, 0)
		expect(rollbackJob, 1, 500*time.Millisecond)
		expect(otherJob, 0, 0)
		time.Sleep(time.Minute)
		expect(deleteJob, 0, 0)
		expect(rollbackJob, 0, 0)
		if len(retried) < 3 || slices.ContainsFunc(retried, func(kind errdefs.Kind) bool { return kind != errdefs.Unavailable }) {
			t.Errorf("%v were retried", retried)
		}
	})
}
