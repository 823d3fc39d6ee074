package lifecycle

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// passing says whether a failure may pass by itself.
func passing(err error) bool {
	switch errdefs.KindOf(err) {
	case errdefs.Unavailable, errdefs.Conflict:
		return true
	}
	return false
}

// retry calls try until it succeeds, fails for good, or ctx ends; it returns
// the last failure then, which says more than the deadline does. The pauses
// grow from 100 ms to 5 s and vary, so that pods that failed together do not
// come back together.
func retry(ctx context.Context, try func(context.Context) error) error {
	pause := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1 << 30, Cap: 5 * time.Second}
	for {
		err := try(ctx)
		if err == nil || !passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause.Step()):
		}
	}
}
