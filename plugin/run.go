package plugin

import (
	"context"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/backoff"
)

// Run serves until ctx is done. Then it shuts down in this order: it accepts no new
// requests, ends the search for orphans and creates no pod that waits for a quota, waits for
// the requests in flight, waits for deletes that are still being retried, stores the used resources,
// and stops the pod cache. It serves also while the pod cache is not synced and while the remote cluster is
// unavailable.
func (p *Plugin) Run(ctx context.Context) error {
	cacheCtx, stopCache := context.WithCancel(context.WithoutCancel(ctx))
	var cache sync.WaitGroup
	cache.Go(func() { p.cluster.Run(cacheCtx) })
	cache.Go(func() { p.readiness.run(cacheCtx) })
	cache.Go(func() { p.runReloads(cacheCtx) })
	if p.capacity != nil {
		cache.Go(func() { p.capacity.run(cacheCtx) })
	}
	defer func() { stopCache(); cache.Wait() }()
	// It ends after the requests, and while the pod cache still follows the pods.
	usageCtx, stopUsage := context.WithCancel(context.WithoutCancel(ctx))
	var usage sync.WaitGroup
	usage.Go(func() { p.accounting.Run(usageCtx) })
	defer func() { stopUsage(); usage.Wait() }()
	if p.orphans != nil {
		searchCtx, stopSearch := context.WithCancel(ctx)
		var search sync.WaitGroup
		search.Go(func() { p.orphans.Run(searchCtx) })
		defer func() { stopSearch(); search.Wait() }()
	}

	if p.server.Addr() == nil {
		if err := p.server.Listen(ctx); err != nil {
			return err
		}
	}
	// The shutdown grace limits both: deletes get the time that the requests in flight
	// do not use.
	grace, endGrace := context.WithCancel(context.WithoutCancel(ctx))
	defer endGrace()
	context.AfterFunc(ctx, func() { time.AfterFunc(p.config().App.ShutdownGrace, endGrace) })
	context.AfterFunc(ctx, p.lifecycle.AnswerNow)
	waitingCtx, stopWaiting := context.WithCancel(ctx)
	defer stopWaiting()
	var waiting sync.WaitGroup
	waiting.Go(func() { p.waiting.Run(backoff.WithObserver(waitingCtx, p.lifecycle.AddRetry), p.creator()) })
	err := p.server.Serve(ctx)
	if ctx.Err() == nil {
		endGrace() // the server failed: do not wait for deletes
	}
	stopWaiting()
	waitUntil(grace, &waiting) // a create that ends early may have something to delete
	p.lifecycle.Close(grace)
	p.endTraces(grace)
	return err
}

// waitUntil waits for a group, until ctx is done.
func waitUntil(ctx context.Context, group *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}
