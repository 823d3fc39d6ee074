package backoff

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

type observerKey struct{}

// WithObserver lets [Retry] call observe for each failure that may pass, with its kind, also for the last
// one before the returned context is done.
func WithObserver(ctx context.Context, observe func(errdefs.Kind)) context.Context {
	return context.WithValue(ctx, observerKey{}, observe)
}

// Retry calls attempt until it succeeds, fails with an error that is not transient
// ([errdefs.IsTransient]), or ctx is done. In the last case it returns the error of the last
// attempt, which says more than the error of ctx. The pauses grow from 100 ms to 5 s. They
// vary at random, so that pods that failed together do not retry together.
func Retry(ctx context.Context, attempt func(context.Context) error) error {
	pause := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: 5 * time.Second}
	for {
		err := attempt(ctx)
		if !errdefs.IsTransient(err) {
			return err
		}
		if observe, ok := ctx.Value(observerKey{}).(func(errdefs.Kind)); ok {
			observe(errdefs.KindOf(err))
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause.Step()):
		}
	}
}
