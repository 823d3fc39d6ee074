package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

const (
	// minBackoff and maxBackoff limit the pause before a job is retried, without the
	// jitter. The pause doubles with each failure.
	minBackoff = time.Second
	maxBackoff = time.Minute
	// jitterFactor is the part of a pause that is added to it at most.
	jitterFactor = 0.5
	// attemptTimeout limits one attempt of a job, and so the time for which it holds
	// the lock of its pod.
	attemptTimeout = 30 * time.Second
	// retryWorkers is the number of UIDs whose jobs run at the same time. It is large,
	// because attempts can hang until attemptTimeout, and must not delay the jobs of
	// other UIDs; an idle worker costs almost nothing. It is limited, because the
	// attempts of thousands of UIDs at once would wait for each other's requests, and none
	// would finish within attemptTimeout.
	retryWorkers = 256
)

// errPermanent marks the error of a job that must not be retried.
var errPermanent = errors.New("it is not retried")

// job is work that must succeed sooner or later.
type job struct {
	kind   jobKind
	name   string // what the job does, for the log; the newest job of a UID with this name counts
	log    *slog.Logger
	run    func(context.Context) error
	failed bool      // an attempt failed
	since  time.Time // when the first job with this name was added
}

// jobKind is what a job is for, for the metrics.
type jobKind int

const (
	otherJob jobKind = iota
	deleteJob
	rollbackJob
)

// retryQueue runs jobs until they succeed, for example deletes: InterLink never
// repeats a delete, so the plugin does (docs/contract.md, DELETE-1). It holds each UID
// once, and never runs two jobs of one UID at the same time. The zero value is ready
// for use.
type retryQueue struct {
	mu      sync.Mutex
	jobs    map[types.UID][]*job
	closed  bool // no job is accepted any more
	drained chan struct{}

	// limit is the number of workers; retryWorkers if it is 0.
	limit int
	// backoff returns the pause before the next attempt; jitteredBackoff if it is nil.
	backoff workqueue.TypedRateLimiter[types.UID]

	// retried is called with the kind of the error of each attempt that will be retried; it may be nil.
	retried func(errdefs.Kind)

	// queue, ctx, stop and workers are set when the first job is added.
	queue   workqueue.TypedRateLimitingInterface[types.UID]
	ctx     context.Context
	stop    context.CancelFunc
	workers sync.WaitGroup
}

// jitteredBackoff is a back-off with jitter, so that jobs that failed together are not
// retried together.
type jitteredBackoff struct {
	workqueue.TypedRateLimiter[types.UID]
}

// When returns the pause before the next attempt.
func (b jitteredBackoff) When(uid types.UID) time.Duration {
	return wait.Jitter(b.TypedRateLimiter.When(uid), jitterFactor)
}

func exponentialBackoff() workqueue.TypedRateLimiter[types.UID] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[types.UID](minBackoff, maxBackoff)
}

// add runs a job as soon as possible, until it succeeds. If the queue has a job with
// that name for the UID, the new job replaces it, because it knows a newer state of the
// pod, for example the grace period of a later delete. The replacement runs when the
// next attempt is due.
func (q *retryQueue) add(uid types.UID, j job) {
	if q.accept(uid, j) {
		q.queue.Add(uid)
	}
}

// addAfterFailure is like add, for a job whose first attempt has failed: the next
// attempt comes after a pause.
func (q *retryQueue) addAfterFailure(uid types.UID, j job) {
	j.failed = true
	if q.accept(uid, j) {
		q.queue.AddRateLimited(uid)
	}
}

// accept adds a job, or replaces the job with the same name. It reports whether the
// UID must be added to the queue.
func (q *retryQueue) accept(uid types.UID, j job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		j.logAbandoned()
		return false
	}
	if i := slices.IndexFunc(q.jobs[uid], func(other *job) bool { return other.name == j.name }); i >= 0 {
		j.failed, j.since = j.failed || q.jobs[uid][i].failed, q.jobs[uid][i].since
		q.jobs[uid][i] = &j
		return false
	}
	if q.queue == nil {
		q.start()
	}
	j.since = time.Now()
	q.jobs[uid] = append(q.jobs[uid], &j)
	return true
}

// start starts the workers. The caller holds mu.
func (q *retryQueue) start() {
	q.jobs, q.drained = map[types.UID][]*job{}, make(chan struct{})
	q.ctx, q.stop = context.WithCancel(context.Background())
	if q.backoff == nil {
		q.backoff = jitteredBackoff{exponentialBackoff()}
	}
	q.queue = workqueue.NewTypedRateLimitingQueue(q.backoff)
	for range cmp.Or(q.limit, retryWorkers) {
		q.workers.Go(func() {
			for {
				uid, shutdown := q.queue.Get()
				if shutdown {
					return
				}
				q.runJobs(uid)
				q.queue.Done(uid)
			}
		})
	}
}

// runJobs tries all jobs of a UID once. Jobs that failed, or that were replaced in the
// meantime, run again after a pause.
func (q *retryQueue) runJobs(uid types.UID) {
	q.mu.Lock()
	jobs := slices.Clone(q.jobs[uid])
	q.mu.Unlock()
	for _, j := range jobs {
		q.try(uid, j)
	}
	if q.pending(uid) > 0 {
		q.queue.AddRateLimited(uid)
	} else {
		q.queue.Forget(uid)
	}
}

// pending returns the number of jobs of a UID that have not succeeded yet.
func (q *retryQueue) pending(uid types.UID) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs[uid])
}

// count returns the number of jobs of a kind that have not succeeded yet, and when the oldest of them
// was added.
func (q *retryQueue) count(kind jobKind) (n int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, jobs := range q.jobs {
		for _, j := range jobs {
			if j.kind != kind {
				continue
			}
			n++
			if oldest.IsZero() || j.since.Before(oldest) {
				oldest = j.since
			}
		}
	}
	return n, oldest
}

// idle reports whether all jobs have succeeded.
func (q *retryQueue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs) == 0
}

// try runs a job once, and removes it if it must not run again.
func (q *retryQueue) try(uid types.UID, j *job) {
	ctx, cancel := context.WithTimeout(q.ctx, attemptTimeout)
	defer cancel()
	switch err := j.run(ctx); {
	case err == nil:
		if j.failed {
			j.log.Info("succeeded after retry", "job", j.name)
		} else {
			j.log.Info("succeeded", "job", j.name)
		}
		q.remove(uid, j)
	case errors.Is(err, errPermanent):
		j.log.Error("failed permanently", "job", j.name, "error", err)
		q.remove(uid, j)
	default:
		q.mu.Lock()
		j.failed = true
		q.mu.Unlock()
		if q.retried != nil {
			q.retried(errdefs.KindOf(err))
		}
		j.log.Warn("failed, will be retried", "job", j.name, "error", err)
	}
}

func (q *retryQueue) remove(uid types.UID, j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs[uid] = slices.DeleteFunc(q.jobs[uid], func(other *job) bool { return other == j })
	if len(q.jobs[uid]) == 0 {
		delete(q.jobs, uid)
	}
	if q.closed && len(q.jobs) == 0 {
		close(q.drained)
	}
}

// close accepts no more jobs, tries the jobs that are left without further pause, and
// waits for them until ctx is done. It then ends the attempts that still run, and logs
// the jobs that did not succeed.
func (q *retryQueue) close(ctx context.Context) {
	q.mu.Lock()
	q.closed = true
	for uid := range q.jobs {
		q.queue.Add(uid)
	}
	empty, queue := len(q.jobs) == 0, q.queue
	q.mu.Unlock()
	if queue == nil {
		return
	}
	if !empty {
		select {
		case <-q.drained:
		case <-ctx.Done():
		}
	}
	q.stop()
	queue.ShutDown()
	q.workers.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, jobs := range q.jobs {
		for _, j := range jobs {
			j.logAbandoned()
		}
	}
	q.jobs = nil
}

// logAbandoned logs that a job will not run any more.
func (j *job) logAbandoned() {
	j.log.Error("gave up: the plugin stops; objects of the pod may be left in the remote cluster", "job", j.name)
}
