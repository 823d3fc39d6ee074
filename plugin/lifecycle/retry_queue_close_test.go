package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

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
