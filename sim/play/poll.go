package play

import (
	"context"
	"errors"
	"fmt"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// poll goes once through the virtual kubelet's status loop.
func (p *player) poll(ctx context.Context) {
	start := p.env.clock.Now()
	err := p.env.kubelet.Poll(ctx)
	p.statusErrors(ctx, fmt.Sprintf("at %s: ", round(p.env.elapsed())), err)
	if p.env.nodes == nil { // simulated nodes do not forget previous runs
		for key, seen := range p.seen.Pods {
			seen.RememberPreviousRuns(p.env.kubelet.Status(key))
		}
	}
	p.env.observe(ctx)
	p.env.running.observePoll(start)
	p.observeJobs(ctx)
	p.nextPoll = p.env.clock.Now().Add(pollPause)
}

// statusErrors keeps the errors of status calls; at says when they happened. Those
// of another plugin about pods that are not created yet mean nothing.
func (p *player) statusErrors(ctx context.Context, at string, err error) {
	for _, err := range split(err) {
		var stale *virtualkubelet.StaleStatus
		switch {
		case ctx.Err() != nil:
		case p.env.options.Plugin == "" || !errors.As(err, &stale):
			p.env.recorder.violationAt(at, statusRule(err), err.Error())
		case stale.Created:
			p.addStale(at, stale)
		}
	}
}

// split returns the errors that errors.Join has joined.
func split(err error) []error {
	switch joined, ok := err.(interface{ Unwrap() []error }); {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	default:
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, split(one)...)
		}
		return all
	}
}

// statusRule is the rule of docs/contract.md that an error of a status call names.
func statusRule(err error) string {
	var panicked *virtualkubelet.Panic
	var stale *virtualkubelet.StaleStatus
	switch {
	case errors.As(err, &panicked):
		return panicked.Rule
	case errors.As(err, &stale):
		return stale.Rule
	}
	return ""
}
