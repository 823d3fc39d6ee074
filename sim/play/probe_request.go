package play

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// probesOf returns the probes of the containers whose lines the answer to a request may have:
// that of the named container, or those of all.
func (p *player) probesOf(key, container string) []probe {
	if own, known := p.env.probes[key][container]; known {
		return []probe{own}
	}
	return slices.Collect(maps.Values(p.env.probes[key]))
}

// besideProbe changes a request for a log so that its limit counts only the container's own
// lines: what the probe writes before them is added to the bytes, and what it writes after them
// to the last lines.
func (p *player) besideProbe(ctx context.Context, key string, expected scenario.LogExpectation) scenario.LogExpectation {
	probe := p.env.probes[key][expected.Container]
	if probe.number == "" || expected.Bytes == 0 && (expected.Tail == 0 || !probe.ends) {
		return expected
	}
	whole := expected
	whole.Bytes, whole.Tail, whole.Follow = 0, 0, false
	text := requestLog(ctx, p.env, key, whole, func() {}).Text
	if expected.Bytes > 0 {
		expected.Bytes += probe.bytesBefore(text)
	}
	if expected.Tail > 0 && probe.hasEnded(text) {
		expected.Tail++
	}
	return expected
}

// ownLog returns the log of a container without what the probes of its pod have written.
func (p *player) ownLog(key string, expected scenario.LogExpectation, log judge.Log) judge.Log {
	container := expected.Container
	probes, preamble := p.probesOf(key, container), p.env.options.profile().LogPreamble
	hasEnded := slices.ContainsFunc(probes, func(probe probe) bool { return probe.hasEnded(log.Text) })
	log.Text = ownLog(log.Text, probes, preamble)
	if preamble && expected.Follow && !hasEnded {
		// The container was stopped, and its job writes what follows.
		log.Text = firstLines(log.Text, len(expected.Lines))
	}
	for _, probe := range probes {
		if preamble && probe.why != "" {
			log.Why = fmt.Sprintf("the lines of container %s of pod %s cannot be told from those of its job: %s", cmp.Or(container, "without a name"), key, probe.why)
		}
	}
	return log
}

// noteRuns reads which runs of the containers exist before something is sent again, so that one
// that begins after that is told from them.
func (p *player) noteRuns(ctx context.Context, step timedStep) {
	if step.At.Duration == 0 || step.Create == "" && step.RestartVirtualKubelet == nil && step.RestartPlugin == nil {
		return
	}
	for key, containers := range p.env.probes {
		if p.deleted[key] || p.seen.Pods[key].Refusal != nil {
			continue
		}
		for name, probe := range containers {
			if !mustRun(p.env.file, key, name) {
				continue
			}
			hasBegun := containerHasBegun(p.env.kubelet.Status(key), name)
			if read := p.readProbe(ctx, key, name, probe, hasBegun); hasBegun && read.Runs == 0 {
				p.seen.Pods[key].RunUnknown = fmt.Sprintf("nothing shows which run of container %s of pod %s was there before something was sent again: %s", name, key, read.Why)
			}
		}
	}
}
