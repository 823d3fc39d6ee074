package play

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

const (
	// pollEvery is the virtual kubelet's pause between two rounds of its status
	// loop, and atOnce how many creates it sends at the same time.
	pollEvery = 5 * time.Second
	atOnce    = 10
	// patience is how long a scenario is watched whose pods do not end though
	// they should, and tidyTime how long what was deleted may take to go.
	patience = 20 * time.Minute
	tidyTime = 90 * time.Second
)

// player plays a scenario on its stage.
type player struct {
	*stage
	seen  *judge.Observation
	logs  []*pendingLog
	steps []step          // those to come
	next  time.Time       // of the status loop
	zero  time.Time       // from which the times of steps and until count
	done  map[string]bool // deleted by a step
}

// play plays a whole scenario; an error means that it could not be played on.
func (p *player) play(ctx context.Context) (err error) {
	defer func() { p.seen.Violations = p.record.all() }()
	before, err := p.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.tidy(ctx, before)) }()
	if err := p.apply(ctx); err != nil {
		return err
	}
	if p.remote != nil {
		if p.seen.Created, err = p.snapshot(ctx, before); err != nil {
			return err
		}
		for _, pod := range p.pods {
			if remote := p.seen.Created.Pod(pod.UID); remote != nil {
				p.seen.RemotePods[p.keys[pod.UID]] = remote
			}
		}
	}
	if err := p.watch(ctx); err != nil {
		return err
	}
	return p.end(ctx, before)
}

// apply makes the pods, and does the steps of time 0 while their creates are on
// their way.
func (p *player) apply(ctx context.Context) error {
	p.kubelet.Apply(interlink.Objects{ConfigMaps: p.file.ConfigMaps, Secrets: p.file.Secrets})
	var creates errgroup.Group
	creates.SetLimit(atOnce)
	var meanwhile errgroup.Group
	for len(p.steps) > 0 && p.steps[0].At.Duration == 0 {
		step := p.steps[0]
		p.steps = p.steps[1:]
		if key := step.Delete + step.LoseDelete; key != "" {
			p.done[key] = true
		}
		meanwhile.Go(func() error {
			for ctx.Err() == nil && !p.sent(step.Create+step.Delete+step.LoseDelete) {
				time.Sleep(100 * time.Microsecond)
			}
			p.step(ctx, step)
			return ctx.Err()
		})
	}
	for _, pod := range p.pods {
		creates.Go(func() error {
			if ctx.Err() == nil {
				p.create(ctx, pod)
			}
			return ctx.Err()
		})
	}
	if err := errors.Join(creates.Wait(), meanwhile.Wait()); err != nil {
		return context.Cause(ctx) // nothing else fails them
	}
	p.next, p.zero = p.begin.Add(pollEvery), p.begin
	return p.pace.until(ctx, p.begin)
}

// sent says whether a pod's create is on its way; no key is no pod to wait for.
func (p *player) sent(key string) bool {
	return key == "" || len(p.kubelet.Status(key).ContainerStatuses) > 0
}

func (p *player) create(ctx context.Context, pod *corev1.Pod) {
	err := p.kubelet.Create(ctx, pod)
	key := p.keys[pod.UID]
	var refusal *virtualkubelet.Refusal
	switch {
	case err == nil, p.done[key]: // nobody sees what becomes of a pod that is gone
	case errors.As(err, &refusal):
		p.seen.Pods[key].Refusal = &judge.Refusal{Status: refusal.Status, Text: refusal.Error()}
	default:
		p.seen.Pods[key].NotSent = err
	}
}

// watch polls and steps until all pods have ended.
func (p *player) watch(ctx context.Context) error {
	if err := p.warmUp(ctx); err != nil {
		return err
	}
	limit := p.zero.Add(patience)
	if n := len(p.steps); n > 0 {
		limit = limit.Add(p.steps[n-1].At.Duration)
	}
	if p.file.Until.Duration > 0 {
		limit = p.zero.Add(p.file.Until.Duration)
	}
	quiet, overtime := 0, false
	for !p.ended() {
		moment := p.next
		if len(p.steps) > 0 {
			if at := p.zero.Add(p.steps[0].At.Duration); at.Before(moment) && p.ready(p.steps[0]) {
				moment = at
			}
		}
		if limit.Before(moment) && !overtime {
			moment = limit
		}
		if err := p.pace.until(ctx, moment); err != nil {
			return err
		}
		if !p.next.After(moment) {
			p.poll(ctx)
			p.next = p.pace.Now().Add(pollEvery)
			quiet++
		}
		for len(p.steps) > 0 && !p.zero.Add(p.steps[0].At.Duration).After(moment) && p.ready(p.steps[0]) {
			step := p.steps[0]
			p.steps, quiet = p.steps[1:], 0
			p.step(ctx, step)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		switch {
		case p.unanswered.Load():
			return errNoAnswer
		case !limit.After(moment):
			if p.nodes != nil || p.complete() || moment.After(limit.Add(maxLateness)) {
				return nil
			}
			overtime = true
		case !p.pace.idle():
			quiet = 0
		case quiet > 2 && len(p.steps) == 0 && p.file.Until.Duration == 0:
			return nil // nothing will happen any more
		}
	}
	return nil
}

func (p *player) ended() bool {
	if len(p.steps) > 0 {
		return false
	}
	for _, key := range p.keys {
		phase := p.kubelet.Status(key).Phase
		if !p.done[key] && phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			return false
		}
	}
	return true
}

func (p *player) poll(ctx context.Context) {
	if err := p.kubelet.Poll(ctx); err != nil && ctx.Err() == nil {
		p.record.trouble("at %s: %v", short(p.after()), err)
	}
	if p.nodes == nil { // simulated ones forget nothing
		for key, seen := range p.seen.Pods {
			seen.RememberPreviousRuns(p.kubelet.Status(key))
		}
	}
	p.look(ctx)
}

// look records what is to be seen now.
func (p *player) look(ctx context.Context) {
	if ctx.Err() == nil {
		p.stage.look(ctx)
	}
}

// end looks at what has become of the pods, deletes those that are left, and
// waits until nothing is.
func (p *player) end(ctx context.Context, before claims) error {
	p.look(ctx)
	if err := p.checkReplaced(ctx); err != nil {
		return err
	}
	var deletes errgroup.Group
	deletes.SetLimit(atOnce)
	for _, pod := range p.pods {
		key := p.keys[pod.UID]
		p.seen.Pods[key].Phases = p.kubelet.Phases(key)
		p.seen.Pods[key].Status = p.kubelet.Status(key)
		if p.done[key] {
			continue
		}
		p.readLogs(ctx, key)
		deletes.Go(func() error {
			if err := p.kubelet.Delete(ctx, key); err != nil && ctx.Err() == nil {
				p.record.trouble("%v", err)
			}
			p.record.delete(key)
			return ctx.Err()
		})
	}
	if err := deletes.Wait(); err != nil {
		return context.Cause(ctx) // nothing else fails them
	}
	if p.unanswered.Load() {
		return errNoAnswer
	}
	return p.leave(ctx, before)
}

// leave waits until what must not be left is gone, or nothing moves any more.
func (p *player) leave(ctx context.Context, before claims) error {
	limit := p.pace.Now().Add(tidyTime)
	if p.nodes == nil {
		limit = limit.Add(maxLateness)
	}
	for {
		if err := p.pace.until(ctx, p.pace.Now().Add(time.Second)); err != nil {
			return err
		}
		if p.remote == nil {
			break
		}
		err := p.release(ctx)
		if err != nil {
			return err
		}
		if p.seen.Left, err = p.snapshot(ctx, before); err != nil {
			return err
		}
		if len(judge.LeftDifferences(p.file, p.seen.Left)) == 0 || p.pace.idle() || p.pace.Now().After(limit) {
			break
		}
	}
	p.look(ctx)
	p.collectLogs(ctx)
	return nil
}

// snapshot is what stands remotely of the scenario; claims that were there before
// it are not its.
func (p *player) snapshot(ctx context.Context, before claims) (*inspect.Snapshot, error) {
	taken, err := inspect.TakeSnapshot(ctx, p.remote, p.uids(), p.namespaces())
	if err != nil {
		return nil, fmt.Errorf("look at the remote cluster: %w", err)
	}
	taken.Claims = before.without(taken.Claims)
	return taken, nil
}

func short(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
