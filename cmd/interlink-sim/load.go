package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/load"
)

const loadUsage = `interlink-sim load --plugin URL [--pods N] [--concurrency C] [--rate R] [--json FILE]

Creates pods at a plugin, polls their status as InterLink's virtual kubelet does (one pod at a time, round
after round) until all have ended, and deletes them; then shows throughput, latencies and errors. The pods
run for seconds: use a cluster of your own. Exit code 1 says that there were errors.

`

func loadCommand(s streams) command {
	var o load.Options
	var json string
	return command{
		usage: loadUsage,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&o.Plugin, "plugin", "", "address of the plugin: unix:///path or http://host:port")
			f.IntVar(&o.Pods, "pods", 100, "how many pods")
			f.IntVar(&o.Concurrency, "concurrency", 10, "creates and deletes that are sent at the same time")
			f.Float64Var(&o.Rate, "rate", 0, "creates a second at most; 0 is as fast as it goes")
			f.DurationVar(&o.Interval, "interval", 5*time.Second, "pause between two rounds of polling")
			f.DurationVar(&o.CallTimeout, "call-timeout", 2*time.Minute, "how long the plugin may take to answer a call")
			f.DurationVar(&o.Wait, "wait", 10*time.Minute, "how long the pods may take to end")
			f.StringVar(&json, "json", "", "write the result to this file as JSON")
		},
		run: func(ctx context.Context, args []string) error {
			switch {
			case len(args) > 0:
				return invalidf("%q is no option", args[0])
			case o.Plugin == "":
				return invalidf("--plugin is needed: which one?")
			case o.Pods < 1, o.Concurrency < 1, o.Rate < 0:
				return invalidf("--pods and --concurrency must be at least 1, --rate not negative")
			}
			o.Progress = func(text string) { _, _ = fmt.Fprintln(s.err, text) }
			result, err := load.Run(ctx, o)
			if err != nil {
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
			if result.Failed() {
				return errJudged
			}
			return nil
		},
	}
}
