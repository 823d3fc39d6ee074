package play

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// countsJobs reports whether jobs can be counted only while no other scenario is played.
func (o Options) countsJobs() bool {
	left := o.profile().Left
	return left != nil && !left.ByUID
}

// needsJobs reports whether a scenario is about the number of jobs.
func needsJobs(file *scenario.File) bool {
	aspects := file.MustObserve()
	return slices.Contains(aspects, scenario.AspectJobs) || slices.Contains(aspects, scenario.AspectLeft)
}

// jobsBefore keeps which jobs exist before the scenario, if a command lists them.
func (p *player) jobsBefore(ctx context.Context) {
	options := p.env.options
	if options.profile().Left == nil || options.countsJobs() && !needsJobs(p.env.file) {
		return
	}
	p.seen.Jobs = &judge.Jobs{}
	if options.profile().Left.ByUID {
		p.seen.Jobs.ByPod = map[string]int{}
	}
	p.otherJobs = p.listJobs(ctx)
}

// listJobs returns the lines of the jobs that exist.
func (p *player) listJobs(ctx context.Context) []string {
	output, err := shell(ctx, p.env.options.profile().Left.Command)
	if err != nil {
		if ctx.Err() == nil {
			p.seen.Jobs.Why = fmt.Sprintf("the command that lists the plugin's jobs failed: %v", err)
		}
		return nil
	}
	return slices.DeleteFunc(strings.Split(output, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
}

// observeJobs keeps how many jobs exist now.
func (p *player) observeJobs(ctx context.Context) {
	jobs := p.seen.Jobs
	if jobs == nil || jobs.Why != "" {
		return
	}
	count := 0
	for key, lines := range p.ownJobs(ctx) {
		count += len(lines)
		if jobs.ByPod != nil {
			jobs.ByPod[key] = max(jobs.ByPod[key], len(lines))
		}
	}
	jobs.Most = max(jobs.Most, count)
}

// ownJobs returns the lines of the scenario's jobs by pod; all of "" if the lines do not
// say it.
func (p *player) ownJobs(ctx context.Context) map[string][]string {
	lines, own := p.listJobs(ctx), map[string][]string{}
	if !p.env.options.profile().Left.ByUID {
		if more := len(lines) - len(p.otherJobs); more > 0 {
			rest := slices.DeleteFunc(lines, func(line string) bool { return slices.Contains(p.otherJobs, line) })
			own[""] = rest[max(0, len(rest)-more):]
		}
		return own
	}
	for _, line := range lines {
		for uid, key := range p.env.keys {
			if strings.Contains(line, string(uid)) {
				own[key] = append(own[key], line)
			}
		}
	}
	return own
}

// waitForJobs waits until no job of the scenario is left, for a limited time.
func (p *player) waitForJobs(ctx context.Context) error {
	jobs, limit := p.seen.Jobs, p.env.clock.Now().Add(maxDeleteTime+p.env.options.slack())
	if jobs == nil {
		return nil
	}
	for jobs.Why == "" {
		jobs.Left = slices.Concat(slices.Collect(maps.Values(p.ownJobs(ctx)))...)
		if len(jobs.Left) == 0 || p.env.clock.Now().After(limit) {
			break
		}
		if err := p.env.clock.waitUntil(ctx, p.env.clock.Now().Add(time.Second)); err != nil {
			return err
		}
	}
	slices.Sort(jobs.Left)
	return nil
}
