package lifecycle

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// isTransient reports whether a retry may solve a failure: the remote API server
// cannot be reached or is overloaded, or another change came first
// (docs/contract.md, CREATE-6).
func isTransient(err error) bool {
	switch errdefs.KindOf(err) {
	case errdefs.Unavailable, errdefs.Conflict, errdefs.NotYet:
		return true
	}
	return false
}

// retry calls attempt until it succeeds, fails with an error that is not transient,
// or ctx is done. In the last case it returns the error of the last attempt, which
// says more than the error of ctx. The pauses grow from 100 ms to 5 s. They vary at
// random, so that pods that failed together do not retry together.
func retry(ctx context.Context, attempt func(context.Context) error) error {
	pause := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: 5 * time.Second}
	for {
		err := attempt(ctx)
		if err == nil || !isTransient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause.Step()):
		}
	}
}
