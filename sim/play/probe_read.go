package play

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// maxLogDelay is how late a log may show what a container has written, in addition to the
// slack of the profile.
const maxLogDelay = 5 * time.Second

// readProbes reads what the containers of a pod have written about themselves.
func (p *player) readProbes(ctx context.Context, key string) {
	probes := p.env.probes[key]
	if len(probes) == 0 || p.seen.Pods[key].Refusal != nil {
		return
	}
	seen := map[string]judge.Probe{}
	for name, probe := range probes {
		seen[name] = p.readProbe(ctx, key, name, probe, mustRun(p.env.file, key, name))
	}
	p.seen.Pods[key].Probes = seen
}

func mustRun(file *scenario.File, key, container string) bool {
	return slices.Contains(file.MustRun()[key], container)
}

// readProbe reads what a container has written about itself. If it must have, it is read
// again for a limited time until it is there.
func (p *player) readProbe(ctx context.Context, key, container string, probe probe, must bool) judge.Probe {
	if probe.why != "" {
		return judge.Probe{Why: probe.why}
	}
	limit := p.env.clock.Now().Add(maxLogDelay + p.env.options.slack())
	for {
		log := requestLog(ctx, p.env, key, scenario.LogExpectation{Container: container}, func() {})
		read := probe.read(log.Text)
		if log.Err != nil {
			read.Why = fmt.Sprintf("its log cannot be read: %v", log.Err)
		}
		known := p.begun.add(key, container, read.runs)
		if read.Runs > 0 {
			read.Runs = known
			p.noteUntold(key, container, read)
		}
		if read.Runs > 0 || !must || p.env.clock.Now().After(limit) || p.env.clock.waitUntil(ctx, p.env.clock.Now().Add(time.Second)) != nil {
			return read.Probe
		}
	}
}

// noteUntold takes the variables that no shell can tell as they are expected, and notes that
// they are not compared.
func (p *player) noteUntold(key, container string, read reading) {
	for name, value := range p.env.file.Expect.Pods[key].Env[container] {
		if !isShellVariable(name) && !read.told[name] && read.NoContents == "" {
			read.Env[name] = value
			p.untold = append(p.untold, fmt.Sprintf("Variable %s of container %s of pod %s is not compared: the shell of its image cannot tell it.", name, container, key))
		}
	}
}

// probeNotes says which variables are not compared, because no shell can tell them.
func (p *player) probeNotes() []string { return slices.Compact(slices.Sorted(slices.Values(p.untold))) }

// begun are the runs of containers that their logs have shown at any time. It is safe for
// concurrent use.
type begun struct {
	mu   sync.Mutex
	runs map[string][]string // their random words, by pod and container
}

// add adds runs of a container, and returns how many are known.
func (b *begun) add(key, container string, runs []string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.runs == nil {
		b.runs = map[string][]string{}
	}
	name := key + "/" + container
	for _, run := range runs {
		if !slices.Contains(b.runs[name], run) {
			b.runs[name] = append(b.runs[name], run)
		}
	}
	return len(b.runs[name])
}

// reading is what one log of a container has.
type reading struct {
	judge.Probe
	runs []string        // the random word of each run
	told map[string]bool // variables that are no shell variables and that it has looked for
}

// read returns what a container has written into its log. Only a complete text counts.
func (p probe) read(log string) reading {
	all, last := reading{told: map[string]bool{}}, judge.Probe{}
	for line := range strings.Lines(log) {
		mark, isMark := parseMark(line)
		if !isMark || mark.number != p.number {
			continue
		}
		words := strings.SplitN(mark.text, " ", 3)
		switch {
		case words[0] == "run" && len(words) == 2:
			all.runs = append(all.runs, words[1])
			last = judge.Probe{
				Runs: len(all.runs), Env: map[string]string{}, Files: map[string]string{}, Claims: map[string]bool{},
				NoContents: "its image has no od or tr, with which the container would tell it",
			}
		case last.Runs == 0:
		case mark.text == "hex":
			last.NoContents = ""
		case mark.text == "end":
			all.Probe = last
		case len(words) == 3:
			all.told[words[2]] = true
			keepTold(&last, words[0], words[1], words[2])
		}
	}
	if all.Runs == 0 {
		all.Why = "its log does not have what the container writes when it begins"
	}
	return all
}

// keepTold keeps what a container tells about a variable, a file or a claim.
func keepTold(in *judge.Probe, kind, value, name string) {
	if kind == "claim" {
		in.Claims[name] = value == "="
		return
	}
	digits, exists := strings.CutPrefix(value, "=")
	content, err := hex.DecodeString(digits)
	switch {
	case !exists || err != nil: // it does not have it
	case kind == "env":
		in.Env[name] = string(content)
	case kind == "environ" && len(content) > 0: // a line that may have only its break left
		in.Env[name] = strings.TrimSuffix(string(content), "\n")
	case kind == "file":
		in.Files[name] = string(content)
	}
}
