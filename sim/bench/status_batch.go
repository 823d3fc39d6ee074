package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// statusOfManyInOneCall compares a status call for many pods with a process that decodes whole pods with
// encoding/json, as the plugin did once.
func statusOfManyInOneCall() Measurement {
	return Measurement{"status, many pods in one call", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		sides, err := b.statusSides(ctx)
		if err != nil {
			return nil, err
		}
		batch := pods.many[:min(b.sizes.Batch, len(pods.many))]
		body := statusBody(batch...)
		for _, p := range sides {
			if _, err := b.firstAnswer(ctx, p.caller, batch...); err != nil {
				return nil, err
			}
		}
		var micros [2][]float64 // for each pod
		err = rounds(b.sizes.Rounds, func(_ int, peer bool) error {
			who := 0
			if peer {
				who = 1
			}
			runtime.GC() // the garbage of what was measured before
			start := time.Now()
			err := sides[who].statusCall(ctx, "/status")(body)
			micros[who] = append(micros[who], 1000*milliseconds(time.Since(start))/float64(len(batch)))
			return err
		})
		if err != nil {
			return nil, err
		}
		return []Line{ratioLine(fmt.Sprintf("status, %d pods in one call", len(batch)), "the same with whole pods, decoded by encoding/json",
			"µs/pod", micros[0], micros[1], atMost(0.35))}, nil
	}}
}
