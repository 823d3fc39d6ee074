package load

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// cleanupTimeout bounds the deletes after ctx has ended.
const cleanupTimeout = time.Minute

// delete deletes all pods whose create was sent, even if ctx has ended.
func (l *loadTest) delete(ctx context.Context) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
	}
	var group errgroup.Group
	group.SetLimit(l.options.Concurrency)
	for pod := range l.sent {
		group.Go(func() error {
			if err := l.kubelet.Delete(ctx, pod); err != nil {
				l.countError(callDelete, pod, err)
				l.mu.Lock()
				l.notDeleted++
				l.mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait() // no function of the group returns an error
}
