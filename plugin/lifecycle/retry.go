package lifecycle

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// notYetBudget is how long a create repeats requests that the API server refuses for now.
// A refusal that lasts longer is final.
const notYetBudget = 20 * time.Second

// isTransient reports whether a retry may solve a failure: the remote API server
// cannot be reached or is overloaded, another change came first, or the API server
// refuses the request for now (docs/contract.md, CREATE-6).
func isTransient(err error) bool {
	switch errdefs.KindOf(err) {
	case errdefs.Unavailable, errdefs.Conflict, errdefs.NotYet:
		return true
	}
	return false
}

// notYet is when the API server first refused a request for now.
type notYet struct {
	mu    sync.Mutex
	since time.Time
}

// isFinal reports whether a refusal, which has just arrived, is final.
func (n *notYet) isFinal() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.since.IsZero() {
		n.since = time.Now()
	}
	return time.Since(n.since) >= notYetBudget
}

type notYetKey struct{}

// withNotYetBudget lets all calls of retry with the returned context share one budget for
// refusals of kind NotYet.
func withNotYetBudget(ctx context.Context) context.Context {
	return context.WithValue(ctx, notYetKey{}, &notYet{})
}

// retry calls attempt until it succeeds, fails with an error that is not transient,
// or ctx is done. In the last case it returns the error of the last attempt, which
// says more than the error of ctx. An error of kind NotYet becomes Refused when it has
// lasted too long. The pauses grow from 100 ms to 5 s. They vary at random, so that
// pods that failed together do not retry together.
func retry(ctx context.Context, attempt func(context.Context) error) error {
	pause := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: 5 * time.Second}
	refusals, ok := ctx.Value(notYetKey{}).(*notYet)
	if !ok {
		refusals = &notYet{}
	}
	for {
		err := attempt(ctx)
		switch {
		case err == nil || !isTransient(err):
			return err
		case errdefs.Is(err, errdefs.NotYet) && refusals.isFinal():
			return errdefs.Wrap(errdefs.Refused, err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause.Step()):
		}
	}
}
