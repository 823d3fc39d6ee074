package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/load"
)

const loadUsage = `interlink-sim load --plugin URL [--compare URL] [--pods N] [--concurrency C] [--rate R] [--json FILE]

Creates pods through a plugin, polls their status as InterLink's virtual kubelet does (one pod at a time, again and
again) until all have ended, and deletes them. Then it shows throughput, latencies and errors as the plugin has them, and
what the virtual kubelet makes of it: how old the state of a pod is that the user sees, and the pods that answers left
out. Each pod runs for some seconds: use a cluster for tests. Ctrl-C deletes the pods and shows what was measured.

--compare puts the same load on a second plugin; the two take turns, in four rounds. Each of them needs a cluster of its
own: what one still does after its last answer, it does while the other one is measured.

Exit codes: 0 no errors, 1 errors, 2 wrong usage, 3 a plugin did not answer the first ping.

`

func loadCommand(s streams) command {
	var o load.Options
	var json, compare string
	return command{
		usage: loadUsage,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&o.Plugin, "plugin", "", "address of the plugin: unix:///path or http://host:port")
			f.StringVar(&compare, "compare", "", "address of a second plugin, for a comparison")
			f.IntVar(&o.Pods, "pods", 100, "number of pods")
			f.IntVar(&o.Concurrency, "concurrency", 10, "number of creates or deletes at the same time")
			f.Float64Var(&o.Rate, "rate", 0, "maximum of creates per second; 0 means no limit")
			f.DurationVar(&o.Interval, "interval", 5*time.Second, "pause between two cycles of status calls")
			f.DurationVar(&o.CallTimeout, "call-timeout", interlink.CallTimeout, "timeout of a call to the plugin")
			f.DurationVar(&o.Wait, "wait", 10*time.Minute, "timeout until all pods have ended")
			f.StringVar(&json, "json", "", "write the result to this file as JSON")
		},
		run: func(ctx context.Context, args []string) error {
			switch {
			case len(args) > 0:
				return invalidf("unexpected argument %q", args[0])
			case o.Plugin == "":
				return invalidf("--plugin is needed: the address of the plugin")
			case o.Pods < 1, o.Concurrency < 1, o.Rate < 0:
				return invalidf("--pods and --concurrency must be at least 1, and --rate must not be negative")
			}
			o.Progress = func(text string) { _, _ = fmt.Fprintln(s.err, text) }
			result, err := runLoad(ctx, o, compare)
			if result == nil && !errors.As(err, new(load.Unreachable)) {
				return invalid{err}
			}
			if result == nil {
				return err
			}
			if err := result.Table(s.out); err != nil {
				return err
			}
			if json != "" {
				if err := writeFile(json, result.JSON); err != nil {
					return err
				}
			}
			if err == nil && result.Failed() {
				return errReported
			}
			return err
		},
	}
}

// loadResult is that of one plugin, or of two.
type loadResult interface {
	Table(io.Writer) error
	JSON(io.Writer) error
	Failed() bool
}

// runLoad returns no result if the test did not begin; one that is interrupted has a result.
func runLoad(ctx context.Context, o load.Options, compare string) (loadResult, error) {
	if compare != "" {
		result, err := load.Compare(ctx, o, compare)
		if result == nil {
			return nil, err
		}
		return result, err
	}
	result, err := load.Run(ctx, o)
	if result == nil {
		return nil, err
	}
	return result, err
}
