package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// queueTest is a retry queue under virtual time, with the times at which its jobs ran.
type queueTest struct {
	retryQueue
	log   *testkit.Log
	start time.Time

	runsMu sync.Mutex
	runs   []string
}

// testQueue runs a test of a retry queue under virtual time, and closes the queue at
// the end.
func testQueue(t *testing.T, test func(t *testing.T, q *queueTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := &queueTest{log: testkit.NewLog(t), start: time.Now()}
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

// check compares the runs of jobs so far with the wanted ones.
func (q *queueTest) check(t *testing.T, want ...string) {
	t.Helper()
	q.runsMu.Lock()
	defer q.runsMu.Unlock()
	if !slices.Equal(q.runs, want) {
		t.Errorf("the jobs ran: %q, want %q", q.runs, want)
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
				if log := q.log.String(); strings.Count(log, "failed, will be retried") != 2 || strings.Count(log, "succeeded after retry") != 1 {
					t.Error("the log does not show two failures and one success")
				}
			})
		})
	}
}

func TestBackoffIsAtMostOneMinute(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		q.add("uid", q.job("delete", slices.Repeat([]error{errTest}, 100)...))
		time.Sleep(time.Hour)
		q.runsMu.Lock()
		defer q.runsMu.Unlock()
		if n := len(q.runs); n < 60 || n > 70 {
			t.Errorf("the job ran %d times in an hour", n)
		}
	})
}

func TestPermanentFailureIsNotRetried(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		q.add("uid", q.job("delete", fmt.Errorf("%w: forbidden", errPermanent)))
		time.Sleep(time.Hour)
		q.check(t, "delete at 0s")
		q.add("uid", q.job("delete")) // it may be added again
		time.Sleep(time.Hour)
		q.check(t, "delete at 0s", "delete at 1h0m0s")
		if log := q.log.String(); !strings.Contains(log, "failed permanently") || strings.Contains(log, "after retry") {
			t.Error("the log does not show one permanent failure and one success")
		}
	})
}

func TestJobIsQueuedOnceForAUID(t *testing.T) {
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
		q.add("uid", slow("delete"))    // the same job, which runs at the moment
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

// At shutdown, jobs do not wait for the end of their back-off.
func TestCloseRunsPendingJobsAtOnce(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		q.add("uid", q.job("delete", errTest, errTest, errTest, errTest))
		time.Sleep(8 * time.Second) // the job ran at 0, 1, 3 and 7 s; the next attempt is due at 15 s
		q.close(t.Context())
		q.check(t, "delete at 0s", "delete at 1s", "delete at 3s", "delete at 7s", "delete at 8s")
		if strings.Contains(q.log.String(), "gave up") {
			t.Error("the log says that a job was given up, but all jobs succeeded")
		}
	})
}

func TestCloseLogsJobsThatDidNotSucceed(t *testing.T) {
	testQueue(t, func(t *testing.T, q *queueTest) {
		q.add("failing", q.job("delete a", slices.Repeat([]error{errTest}, 100)...))
		q.add("hanging", job{name: "delete b", log: q.log.Logger(), run: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		closing := time.Now()
		q.close(ctx)
		if took := time.Since(closing); took != 5*time.Second {
			t.Errorf("close took %s, want 5s", took)
		}
		q.add("late", q.job("delete c"))
		for _, name := range []string{"delete a", "delete b", "delete c"} {
			if !strings.Contains(q.log.String(), fmt.Sprintf(`msg="gave up: the plugin stops; objects of the pod may be left in the remote cluster" job=%q`, name)) {
				t.Errorf("the log does not say that job %q was given up", name)
			}
		}
	})
}
