package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// restartPlugin restarts the plugin, by the command of the profile if it runs elsewhere, and
// waits until it answers a ping.
func (e *environment) restartPlugin(ctx context.Context) error {
	if e.startAgain != nil {
		e.stopPlugin()
		if err := e.startAgain(ctx); err != nil {
			return fmt.Errorf("start the plugin again: %w", err)
		}
	} else if _, err := shell(ctx, e.options.profile().Restart); err != nil {
		return fmt.Errorf("restart the plugin: %w", err)
	}
	options := e.options
	options.Plugin = e.address
	timeout := time.After(options.recovery)
	for {
		err := checkPlugin(ctx, options)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(min(time.Second, options.recovery/60)):
		case <-timeout:
			return fmt.Errorf("after its restart the plugin does not answer: %w", err)
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

// restartsPlugin reports whether a scenario restarts the plugin. If the plugin runs elsewhere,
// no other scenario can be played at the same time.
func restartsPlugin(file *scenario.File) bool {
	return slices.ContainsFunc(file.Steps, func(step scenario.Step) bool { return step.RestartPlugin != nil })
}
