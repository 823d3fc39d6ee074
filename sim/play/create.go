package play

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// createPods creates the scenario's pods. The steps of time 0 happen while the
// creates are in flight.
func (p *player) createPods(ctx context.Context) error {
	env := p.env
	env.kubelet.Apply(interlink.Objects{ConfigMaps: env.file.ConfigMaps, Secrets: env.file.Secrets})
	var creates, steps errgroup.Group
	creates.SetLimit(maxParallelCalls)
	for len(p.steps) > 0 && p.steps[0].At.Duration == 0 {
		step := p.steps[0]
		p.steps = p.steps[1:]
		if key := step.Delete + step.DeleteUnreported; key != "" {
			p.deleted[key] = true
		}
		steps.Go(func() error {
			for ctx.Err() == nil && !p.createIsInFlight(step.Create+step.Delete+step.DeleteUnreported) {
				time.Sleep(100 * time.Microsecond)
			}
			p.runStep(ctx, step)
			return ctx.Err()
		})
	}
	p.nextPoll, p.stepsFrom = env.started.Add(pollPause), env.started
	var inFlight atomic.Int64
	inFlight.Store(int64(len(env.pods)))
	var slow errgroup.Group
	slow.Go(func() error { return p.releaseSlowCreates(ctx, func() int { return int(inFlight.Load()) }) })
	var polls errgroup.Group
	polls.Go(func() error { p.pollCreating(ctx, func() bool { return inFlight.Load() > 0 }); return nil })
	for _, pod := range env.pods {
		creates.Go(func() error {
			defer inFlight.Add(-1)
			if ctx.Err() == nil {
				p.createPod(ctx, pod)
			}
			return ctx.Err()
		})
	}
	if err := errors.Join(creates.Wait(), steps.Wait(), polls.Wait()); err != nil {
		return context.Cause(ctx) // the only possible error
	}
	if err := slow.Wait(); err != nil {
		return err
	}
	if env.file.PollAtOnce {
		p.poll(ctx)
	}
	return env.clock.waitUntil(ctx, env.started)
}

// pollCreatingPause is the pause between two polls of pods whose creates are in flight, in real
// time: a plugin may wait for such a poll (docs/contract.md, STATUS-5).
const pollCreatingPause = 100 * time.Millisecond

// pollCreating asks for the status of pods whose creates are in flight, until there are none.
func (p *player) pollCreating(ctx context.Context, areInFlight func() bool) {
	every := pollCreatingPause
	if p.env.options.Plugin != "" { // what another plugin answers then depends on chance
		every = pollPause
	}
	pause := time.NewTicker(every)
	defer pause.Stop()
	for areInFlight() && ctx.Err() == nil {
		select {
		case <-pause.C:
			p.statusErrors(ctx, "while a create was in flight: ", p.env.kubelet.PollCreating(ctx))
		case <-ctx.Done():
		case <-time.After(time.Millisecond): // the creates may have ended
		}
	}
}

// createIsInFlight reports whether the create of a pod was sent; true for "".
func (p *player) createIsInFlight(key string) bool {
	return key == "" || len(p.env.kubelet.Status(key).ContainerStatuses) > 0
}

func (p *player) createPod(ctx context.Context, pod *corev1.Pod) {
	err := p.env.kubelet.Create(ctx, pod)
	key := p.env.keys[pod.UID]
	var refusal *virtualkubelet.Refusal
	var wrong *virtualkubelet.WrongPodUID
	var other *virtualkubelet.OtherJobID
	switch {
	case err == nil:
	case p.deleted[key] && p.env.kubelet.Status(key).Phase != corev1.PodFailed: // users do not see the failure of a deleted pod
	case errors.As(err, &refusal):
		p.seen.Pods[key].Refusal = &judge.Refusal{Status: refusal.Status, Text: refusal.Error(), HasWords: strings.TrimSpace(refusal.Body) != ""}
	case errors.As(err, &wrong): // the pod does not fail (docs/contract.md, CREATE-10)
		p.env.recorder.violation("CREATE-10", "%v", err)
	case errors.As(err, &other):
		p.env.recorder.violation("CREATE-8", "%v", err)
	default:
		p.seen.Pods[key].NotSent = err
	}
}
