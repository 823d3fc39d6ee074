package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// startToReady compares the start of a plugin with the sync of a bare informer.
func startToReady() Measurement {
	return Measurement{"start to ready", func(ctx context.Context, b *Bench) ([]Line, error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		var took [2][]float64
		err = rounds(b.sizes.Starts, func(_ int, peer bool) error {
			runtime.GC()
			start := time.Now()
			if peer {
				stop, err := b.startInformer(ctx, nil)
				if err != nil {
					return err
				}
				took[1] = append(took[1], milliseconds(time.Since(start)))
				stop()
				return nil
			}
			p, err := b.startInProcess(ctx)
			if err != nil {
				return err
			}
			took[0] = append(took[0], milliseconds(time.Since(start)))
			return p.stop()
		})
		if err != nil {
			return nil, err
		}
		return []Line{ratioLine(fmt.Sprintf("start to ready with %d remote pods", pods.total()), "sync of a bare informer",
			"ms", took[0], took[1], atMost(1.2))}, nil
	}}
}
