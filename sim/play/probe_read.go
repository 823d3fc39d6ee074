package play

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// readProbes reads what the containers of a pod have written about themselves. A log may
// be late by the slack of the profile.
func (p *player) readProbes(ctx context.Context, key string) {
	probes := p.env.probes[key]
	if len(probes) == 0 || p.seen.Pods[key].Refusal != nil {
		return
	}
	limit := p.env.clock.Now().Add(p.env.options.slack())
	seen := map[string]judge.Probe{}
	for name, probe := range probes {
		for {
			seen[name] = p.readProbe(ctx, key, name, probe)
			if seen[name].Runs > 0 || probe.why != "" || !mustRun(p.env.file, key, name) || p.env.clock.Now().After(limit) {
				break
			}
			if p.env.clock.waitUntil(ctx, p.env.clock.Now().Add(time.Second)) != nil {
				return
			}
		}
	}
	p.seen.Pods[key].Probes = seen
}

func mustRun(file *scenario.File, key, container string) bool {
	for _, name := range file.MustRun()[key] {
		if name == container {
			return true
		}
	}
	return false
}

func (p *player) readProbe(ctx context.Context, key, container string, probe probe) judge.Probe {
	if probe.why != "" {
		return judge.Probe{Why: probe.why}
	}
	log := requestLog(ctx, p.env, key, scenario.LogExpectation{Container: container}, func() {})
	if log.Err != nil {
		return judge.Probe{Why: fmt.Sprintf("its log cannot be read: %v", log.Err)}
	}
	read, told := probe.read(log.Text)
	for name, value := range p.env.file.Expect.Pods[key].Env[container] {
		if !isShellVariable(name) && !told[name] && read.Runs > 0 {
			read.Env[name] = value
			p.untold = append(p.untold, fmt.Sprintf("Variable %s of container %s of pod %s is not compared: the shell of its image cannot tell it.", name, container, key))
		}
	}
	return read
}

// probeNotes says which variables are not compared, because no shell can tell them.
func (p *player) probeNotes() []string { return slices.Sorted(slices.Values(p.untold)) }

// read returns what a container has written into its log, and which of the variables that are no
// shell variables it has looked for.
func (p probe) read(log string) (judge.Probe, map[string]bool) {
	var all, last judge.Probe
	told := map[string]bool{}
	begun := 0
	for line := range strings.Lines(log) {
		_, text, marked := strings.Cut(strings.TrimRight(line, "\r\n"), p.mark)
		words := strings.SplitN(text, " ", 3)
		switch {
		case !marked:
		case text == "run":
			begun++
			last = judge.Probe{Env: map[string]string{}, Files: map[string]string{}, Claims: map[string]bool{}}
		case text == "end" && last.Env != nil:
			all = last
			all.Runs = begun
		case len(words) == 3 && last.Env != nil:
			content, isHex := strings.CutPrefix(words[2], "=")
			value, err := hex.DecodeString(content)
			told[words[1]] = true
			switch {
			case words[0] == "claim":
				last.Claims[words[1]] = p.mark == "interlink-sim "+strings.TrimSpace(string(value))+" "
			case !isHex || err != nil: // it does not have it
			case words[0] == "env":
				last.Env[words[1]] = string(value)
			case words[0] == "environ" && len(value) > 0: // a line that may have only its break left
				last.Env[words[1]] = strings.TrimSuffix(string(value), "\n")
			case words[0] == "file":
				last.Files[words[1]] = string(value)
			}
		}
	}
	if all.Runs == 0 {
		all.Why = "its log does not have what the container writes when it begins"
	}
	return all, told
}

// clean returns a log without what the containers of a pod write about themselves and, if
// a preamble is allowed, without what comes before that.
func clean(log string, probes map[string]probe, preamble bool) string {
	var kept []string
	for line := range strings.Lines(log) {
		text, isMarked := "", false
		for _, probe := range probes {
			if _, after, found := strings.Cut(strings.TrimRight(line, "\r\n"), probe.mark); found && probe.mark != "" {
				text, isMarked = after, true
			}
		}
		switch {
		case !isMarked:
			kept = append(kept, line)
		case text == "run" && preamble:
			kept = nil
		}
	}
	return strings.Join(kept, "")
}
