package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// statusOfOne measures status calls for one pod.
func statusOfOne() Measurement {
	return Measurement{"status, one pod a call", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		sides, err := b.statusSides(ctx)
		if err != nil {
			return nil, err
		}
		bodies := statusBodies(pods.many, b.sizes.Calls)
		answer, err := b.firstAnswer(ctx, sides[0].caller, pods.many[0])
		if err != nil {
			return nil, err
		}
		calls := [2]func([]byte) error{
			sides[0].statusCall(ctx, "/status"),
			sides[1].statusCall(ctx, fmt.Sprintf("/echo?size=%d", len(answer))),
		}
		var rates [2][]float64
		for range 1 + b.sizes.Rounds { // the first warms up
			rate, err := takeTurns(len(bodies), len(calls), func(who, from, to int) error { return each(bodies[from:to], 1, calls[who]) })
			if err != nil {
				return nil, err
			}
			for who := range rates {
				rates[who] = append(rates[who], rate[who])
			}
		}
		return []Line{ratioLine("status, one pod a call", "a process that reads the body and writes as long an answer",
			"calls/s", rates[0][1:], rates[1][1:], atLeast(0.5))}, nil
	}}
}

// remoteCallsOfStatus counts the requests to the API server while a plugin answers status calls.
func remoteCallsOfStatus() Measurement {
	return Measurement{"status, remote calls", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		p, err := b.startInProcess(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		before := p.remoteCalls.Load()
		for i := range b.sizes.Calls {
			if _, err := askFor(ctx, p.caller, pods.many[i%len(pods.many)]); err != nil {
				return nil, err
			}
		}
		remote := float64(p.remoteCalls.Load() - before)
		return []Line{{Name: fmt.Sprintf("status, remote calls in %d calls", b.sizes.Calls), Figure: remote, Value: remote, Goal: atMost(0)}}, nil
	}}
}

// statusBodies returns the bodies of calls for one pod each, for one pod after the other.
func statusBodies(pods []cachedPod, calls int) [][]byte {
	bodies := make([][]byte, calls)
	for i := range bodies {
		bodies[i] = statusBody(pods[i%len(pods)])
	}
	return bodies
}

// askFor asks for the status of pods, checks that the answer says that they run, and returns it.
func askFor(ctx context.Context, p *caller, pods ...cachedPod) ([]byte, error) {
	answer, err := p.call(ctx, http.MethodGet, "/status", statusBody(pods...))
	if err != nil {
		return nil, err
	}
	var statuses []wire.PodStatus
	if err := json.Unmarshal(answer, &statuses); err != nil {
		return nil, fmt.Errorf("decode the answer to a status call: %w", err)
	}
	if len(statuses) != len(pods) {
		return nil, fmt.Errorf("the answer to a status call for %d pods has %d", len(pods), len(statuses))
	}
	for _, s := range statuses {
		if len(s.Containers) != 1 || s.Containers[0].State.Running == nil || len(s.InitContainers) != 1 {
			return nil, fmt.Errorf("pod %s runs, but the plugin answers %+v", s.Name, s)
		}
	}
	return answer, nil
}

// firstAnswer waits until the answer says that pods run: the cache of a plugin that runs already learns of new
// pods a moment later.
func (b *Bench) firstAnswer(ctx context.Context, p *caller, pods ...cachedPod) (answer []byte, err error) {
	var last error
	err = b.eventually(ctx, "an answer that the pods run", func() (bool, error) {
		answer, last = askFor(ctx, p, pods...)
		return last == nil, nil
	})
	if err != nil {
		return nil, errors.Join(err, last)
	}
	return answer, nil
}

// statusAmongMany compares the slowest calls of a plugin that has many pods in its cache with those of one
// that has few.
func statusAmongMany() Measurement {
	return Measurement{"status, among many pods", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		many, err := b.start(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, many.stop()) }()
		few, err := b.start(ctx, "--offloading-namespace="+fewRemote) // it watches only this namespace
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, few.stop()) }()
		var slowest [2][]float64
		measure := func(_ int, peer bool) error {
			who, to, bodies := 0, many, statusBodies(pods.many, b.sizes.Calls)
			if peer {
				who, to, bodies = 1, few, statusBodies(pods.few, b.sizes.Calls)
			}
			var times []float64
			_, err := perSecond(bodies, 1, func(body []byte) error {
				start := time.Now()
				_, err := to.call(ctx, http.MethodGet, "/status", body)
				times = append(times, milliseconds(time.Since(start)))
				return err
			})
			slowest[who] = append(slowest[who], percentile(times, 99))
			return err
		}
		if err := rounds(1, measure); err != nil { // warms up
			return nil, err
		}
		slowest = [2][]float64{}
		if err := rounds(b.sizes.Rounds, measure); err != nil {
			return nil, err
		}
		return []Line{ratioLine(
			fmt.Sprintf("status, 99th percentile with %d pods", pods.total()), fmt.Sprintf("with %d pods", len(pods.few)),
			"ms", slowest[0], slowest[1], atMost(2),
		)}, nil
	}}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
