package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// background runs what must happen sooner or later: InterLink never repeats a
// delete, so the plugin does (contract, section 2).
type background struct {
	// ctx ends when the process gives up.
	ctx  context.Context
	stop context.CancelFunc

	mu      sync.Mutex
	closing bool // no job starts any more
	jobs    sync.WaitGroup
}

func newBackground() *background {
	ctx, stop := context.WithCancel(context.Background())
	return &background{ctx: ctx, stop: stop}
}

// attempt bounds one try of a job: the lock of its pod is not held longer.
const attempt = 30 * time.Second

// errHopeless ends a job that would fail for ever.
var errHopeless = errors.New("it will not be tried again")

const givenUp = "gave up: the plugin stops; objects of the pod may be left in the remote cluster"

// start runs a job, and again and again until it succeeds; log names what it is for.
func (b *background) start(log *slog.Logger, what string, job func(context.Context) error) {
	b.run(log, what, true, job)
}

// keepTrying runs a job that has failed once again and again until it succeeds.
func (b *background) keepTrying(log *slog.Logger, what string, job func(context.Context) error) {
	b.run(log, what, false, job)
}

// run runs a job until it succeeds, or is hopeless. The pauses grow from 1 s to 1 min.
func (b *background) run(log *slog.Logger, what string, atOnce bool, job func(context.Context) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing {
		log.Error(givenUp, "what", what)
		return
	}
	b.jobs.Go(func() {
		pauses := wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: time.Minute}
		pause := time.Duration(0)
		if !atOnce {
			pause = pauses.Step()
		}
		for ; ; pause = pauses.Step() {
			select {
			case <-b.ctx.Done():
				log.Error(givenUp, "what", what)
				return
			case <-time.After(pause):
			}
			ctx, cancel := context.WithTimeout(b.ctx, attempt)
			err := job(ctx)
			cancel()
			switch {
			case err == nil:
				log.Info("done at last", "what", what)
				return
			case errors.Is(err, errHopeless):
				log.Error("cannot be done", "what", what, "error", err)
				return
			}
			log.Warn("failed, will be tried again", "what", what, "error", err)
		}
	})
}

// close waits for the jobs until ctx is done, then ends them.
func (b *background) close(ctx context.Context) {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { b.jobs.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	b.stop()
	<-done
}
