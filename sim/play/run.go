package play

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// Run plays scenarios and reports on all of them, in their order. It returns an
// error if it can play nothing: the options contradict each other, or no plugin
// answers a ping at the address. If the plugin stops answering later, the scenario
// that notices it fails, and so do those that were not played yet.
func Run(ctx context.Context, files []*scenario.File, options Options) (*report.Report, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	result := &report.Report{
		Plugin: "this plugin, inside the simulator", Remote: options.remote(), Version: options.Version, Started: time.Now(),
	}
	if options.Plugin != "" {
		result.Plugin = options.Plugin
		if err := checkPlugin(ctx, options); err != nil {
			return nil, err
		}
	}
	if result.Scenarios, err = playAll(ctx, files, options); err != nil {
		return nil, err
	}
	result.Took = time.Since(result.Started).Seconds()
	return result, nil
}

// checkPlugin returns an error if no plugin answers a ping at the address.
func checkPlugin(ctx context.Context, options Options) error {
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{
		Plugin: options.Plugin, HeaderTimeout: 2 * options.CallTimeout, CallTimeout: options.CallTimeout,
	})
	if err != nil {
		return err
	}
	defer kubelet.Close()
	return kubelet.CheckPlugin(ctx)
}

// playAll plays several scenarios at a time. On one real cluster, those that count
// claims are played one after the other.
func playAll(ctx context.Context, files []*scenario.File, options Options) ([]report.Scenario, error) {
	scenarios := make([]report.Scenario, len(files))
	var group errgroup.Group
	group.SetLimit(options.Parallel)
	var unresponsive pluginUnresponsive
	play := func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if options.Started != nil {
			options.Started(files[i].Name)
		}
		scenarios[i] = playScenario(ctx, files[i], options, &unresponsive)
		if options.Done != nil {
			options.Done(scenarios[i])
		}
		return ctx.Err()
	}
	var oneByOne, atOnce []int
	for i, file := range files {
		if options.Client != nil && countsClaims(file) {
			oneByOne = append(oneByOne, i)
		} else {
			atOnce = append(atOnce, i)
		}
	}
	group.Go(func() error { // first, since they take longest
		for _, i := range oneByOne {
			if err := play(i); err != nil {
				return err
			}
		}
		return nil
	})
	for _, i := range atOnce {
		group.Go(func() error { return play(i) })
	}
	if err := group.Wait(); err != nil {
		return nil, context.Cause(ctx)
	}
	return scenarios, nil
}
