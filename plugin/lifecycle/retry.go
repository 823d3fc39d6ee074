package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/backoff"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// notYetBudget is how long a create repeats requests that the API server refuses for now.
// A refusal that lasts longer is final.
const notYetBudget = 20 * time.Second

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

// retry is [backoff.Retry]. An error of kind NotYet becomes Refused when it has lasted too
// long.
func retry(ctx context.Context, attempt func(context.Context) error) error {
	refusals, ok := ctx.Value(notYetKey{}).(*notYet)
	if !ok {
		refusals = &notYet{}
	}
	return backoff.Retry(ctx, func(ctx context.Context) error {
		err := attempt(ctx)
		if errdefs.Is(err, errdefs.NotYet) && refusals.isFinal() {
			return errdefs.Wrap(errdefs.Refused, err)
		}
		return err
	})
}
