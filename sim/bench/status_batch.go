package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// statusOfManyInOneCall compares a status call for many pods with the least that a plugin does that
// decodes whole pods with encoding/json, as this one did once.
func statusOfManyInOneCall() Measurement {
	return Measurement{"status, many pods in one call", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		p, err := b.startInProcess(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		batch := pods.many[:min(b.sizes.Batch, len(pods.many))]
		body := statusBody(batch...)
		answer, err := askFor(ctx, p.caller, batch...)
		if err != nil {
			return nil, err
		}
		old, stop := b.startPeerServer(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				var decoded []corev1.Pod
				err = json.Unmarshal(body, &decoded)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(answer) // a short answer would be seen
		})
		defer stop()
		var micros [2][]float64 // for each pod
		err = rounds(b.sizes.Rounds, func(_ int, peer bool) error {
			who, to := 0, p.caller
			if peer {
				who, to = 1, old
			}
			start := time.Now()
			_, err := perSecond([][]byte{body}, 1, func(body []byte) error { _, err := to.call(ctx, http.MethodGet, "/status", body); return err })
			micros[who] = append(micros[who], 1000*milliseconds(time.Since(start))/float64(len(batch)))
			return err
		})
		if err != nil {
			return nil, err
		}
		return []Line{ratioLine(fmt.Sprintf("status, %d pods in one call", len(batch)), "decoding whole pods with encoding/json",
			"µs/pod", micros[0], micros[1], atMost(0.35))}, nil
	}}
}
