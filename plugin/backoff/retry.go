package backoff

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

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
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause.Step()):
		}
	}
}
