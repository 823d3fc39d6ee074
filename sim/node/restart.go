package node

import (
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// The restart back-off of a kubelet. Measured on a real kubelet: the first restart
// follows as soon as the kubelet has noticed the end, and only later restarts wait:
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts
const (
	firstRestartAfter = time.Second
	backOffFirst      = 10 * time.Second
	backOffMax        = 5 * time.Minute
	backOffResetAfter = 10 * time.Minute
)

// endRun ends the current run, and restarts the container if its restart policy
// says so.
func (c *container) endRun(now time.Time) {
	exitCode := int32(0)
	if codes := c.behavior.ExitCodes; len(codes) > 0 && !c.stopRequested {
		exitCode = codes[min(c.runs, len(codes))-1]
	}
	end := c.termination(now, exitCode)
	end.Signal, end.Message = c.behavior.Signal, c.behavior.Message
	if c.behavior.Reason != "" {
		end.Reason = c.behavior.Reason
	}
	if !podspec.Restarts(c.pod, c.spec.Name, exitCode) {
		c.terminate(end)
		return
	}
	c.beforeLast, c.last = c.last, end
	switch {
	case c.runs == 1 || now.Sub(c.startedAt) >= backOffResetAfter:
		c.state, c.due, c.backOff = restarting, now.Add(firstRestartAfter), 0
	case c.backOff == 0:
		c.state, c.due, c.backOff = backingOff, now.Add(backOffFirst), backOffFirst
	default:
		c.backOff = min(2*c.backOff, backOffMax)
		c.state, c.due = backingOff, now.Add(c.backOff)
	}
}
