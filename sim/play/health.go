package play

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// How long a plugin that did not answer a call may take until it answers a ping, and
// when the profile's command restarts it meanwhile. Both are real time.
const (
	maxRecovery   = time.Minute
	beforeRestart = 10 * time.Second
)

// health knows whether the plugin at an address answers. One that did not answer a call
// is pinged before the next scenario begins, so that its fault fails one scenario and
// not all that follow. It is safe for concurrent use.
type health struct {
	options Options
	losses  losses

	mu sync.Mutex
	// doubt is the scenario in which the plugin did not answer a call; empty if it has
	// answered a ping since then.
	doubt string
	// gone says that the plugin does not answer any more.
	gone string
}

// doubtful notes that the plugin did not answer a call of a scenario.
func (h *health) doubtful(scenario string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubt = scenario
}

// recovered waits until a plugin that did not answer a call answers a ping, for a limited
// time. Otherwise it returns why no further scenario can be played.
func (h *health) recovered(ctx context.Context) (reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.doubt == "" || h.gone != "" || h.options.Plugin == "" {
		return h.gone
	}
	start, restarted := time.Now(), false
	for ctx.Err() == nil {
		err := checkPlugin(ctx, h.options)
		if err == nil {
			h.doubt = ""
			return ""
		}
		waited := time.Since(start)
		if waited > h.options.recovery {
			h.gone = fmt.Sprintf("the plugin does not answer any more since %s: %v", h.doubt, err)
			return h.gone
		}
		if profile := h.options.profile(); !restarted && profile.Restart != "" && waited >= h.options.restartAfter {
			restarted = true
			if output, err := shell(ctx, profile.Restart); err != nil {
				h.options.Log.Warn("the command that restarts the plugin failed", "error", err, "output", output)
			}
		}
		select {
		case <-time.After(min(time.Second, h.options.recovery/60)):
		case <-ctx.Done():
		}
	}
	return ""
}

// shell runs a shell command of the profile, and returns what it prints to its standard
// output. The error has what it prints otherwise.
func shell(ctx context.Context, command string) (string, error) {
	run := exec.CommandContext(ctx, "sh", "-c", command)
	run.WaitDelay = time.Second // a program that it leaves behind may keep its output open
	var stdout, stderr strings.Builder
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		return stdout.String(), fmt.Errorf("command %q: %w: %s", command, err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
