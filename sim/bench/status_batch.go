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

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// statusOfManyInOneCall compares a status call for many pods with a plugin that decodes whole pods with
// encoding/json, as this one did once.
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
		old, stop := b.startPeerServer(oldStatusHandler(batch))
		defer stop()
		for _, c := range []*caller{p.caller, old} {
			if _, err := askFor(ctx, c, batch...); err != nil {
				return nil, err
			}
		}
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
		return []Line{ratioLine(fmt.Sprintf("status, %d pods in one call", len(batch)), "the same with whole pods, decoded by encoding/json",
			"µs/pod", micros[0], micros[1], atMost(0.35))}, nil
	}}
}

// oldStatusHandler answers a status call for pods as the plugin did when it decoded whole pods.
func oldStatusHandler(pods []cachedPod) http.HandlerFunc {
	cached := make(map[string]*corev1.Pod, len(pods))
	for _, p := range pods {
		cached[p.remote.Labels[wire.LabelPodUID]] = status.CachedFields(p.remote)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var requested []corev1.Pod
		if err == nil {
			err = json.Unmarshal(body, &requested)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer := make([]wire.PodStatus, 0, len(requested))
		for i := range requested {
			answer = append(answer, status.Of(&requested[i], cached[string(requested[i].UID)]))
		}
		_ = json.NewEncoder(w).Encode(answer) // the caller checks the answer
	}
}
