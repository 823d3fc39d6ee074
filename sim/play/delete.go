package play

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
)

// maxDeleteTime is how long remote objects may exist after the pods are deleted.
const maxDeleteTime = 90 * time.Second

// deletePods reads the logs of the pods that still exist, and deletes them.
func (p *player) deletePods(ctx context.Context) error {
	p.ending = true
	var deletes errgroup.Group
	deletes.SetLimit(maxParallelCalls)
	for _, pod := range p.env.pods {
		key := p.env.keys[pod.UID]
		if p.deleted[key] {
			continue
		}
		p.readLogs(ctx, key)
		p.readProbes(ctx, key)
		deletes.Go(func() error {
			if err := p.env.kubelet.Delete(ctx, key); err != nil && ctx.Err() == nil {
				p.env.recorder.violation("DELETE-2", "%v", err)
			}
			p.env.recorder.localDelete(p.env.elapsed(), key)
			return ctx.Err()
		})
	}
	if err := deletes.Wait(); err != nil {
		return context.Cause(ctx) // the only possible error
	}
	return p.env.unanswered.err()
}

// maxRestTime limits the deletes of a scenario that was not played to its end.
const maxRestTime = 10 * time.Second

// deleteRest deletes the pods of a scenario that was not played to its end, so that
// another plugin does not keep them: its pods would be counted in later scenarios. What it
// answers does not matter any more.
func (p *player) deleteRest(ctx context.Context) {
	if p.env.options.Plugin == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxRestTime)
	defer cancel()
	var deletes errgroup.Group
	deletes.SetLimit(maxParallelCalls)
	for _, key := range p.env.keys {
		deletes.Go(func() error { _ = p.env.kubelet.Delete(ctx, key); return nil }) // it is deleted already, or the plugin is down
	}
	_ = deletes.Wait() // no delete returns an error
}

// maxBackgroundTime is how long, in real time, the plugin and the garbage collector may
// work after everything else has happened. No verdict depends on it, unless one of them
// does not work.
const maxBackgroundTime = time.Minute

// waitUntilDeleted waits until the remote cluster holds only what the scenario
// expects to be left, or no further event is due.
func (p *player) waitUntilDeleted(ctx context.Context) error {
	env := p.env
	limit := env.clock.Now().Add(maxDeleteTime)
	if env.nodes == nil {
		limit = limit.Add(env.options.lateness())
	}
	for {
		if err := env.clock.waitUntil(ctx, env.clock.Now().Add(time.Second)); err != nil {
			return err
		}
		if env.remote == nil {
			break
		}
		err := env.finalizeClaims(ctx)
		if err != nil {
			return err
		}
		if p.seen.Left, err = p.snapshot(ctx); err != nil {
			return err
		}
		if len(judge.LeftDifferences(env.file, p.seen.Left)) == 0 || env.clock.noEventsLeft() || env.clock.Now().After(limit) {
			break
		}
	}
	if err := p.waitForJobs(ctx); err != nil {
		return err
	}
	if err := p.waitForBackground(ctx); err != nil {
		return err
	}
	env.observe(ctx)
	p.collectLogs(ctx)
	return nil
}

// waitForBackground waits until nothing is left that somebody is about to delete: the
// plugin deletes some objects after its answer, and the garbage collector of a real
// cluster those that the pods owned. No virtual time passes.
func (p *player) waitForBackground(ctx context.Context) (err error) {
	env := p.env
	if env.remote == nil {
		return nil
	}
	timeout := time.After(maxBackgroundTime)
	for idle := false; len(judge.LeftDifferences(env.file, p.seen.Left)) > 0 && (!idle || p.seen.Left.Abandoned()); {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-timeout:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		idle = env.pluginIsIdle() // asked first: what is read then shows all that the plugin did
		if err := env.finalizeClaims(ctx); err != nil {
			return err
		}
		if p.seen.Left, err = p.snapshot(ctx); err != nil {
			return err
		}
	}
	return nil
}
