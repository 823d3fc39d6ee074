package play

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// wasInterrupted is why a scenario that was being played is not judged.
const wasInterrupted = "the replay was interrupted"

// Run plays scenarios and reports on all of them, in their order. It returns an
// error and no report if it can play nothing: the options contradict each other, or no plugin
// answers a ping at the address. If ctx ends, it returns its cause together with the
// report of what was played until then.
//
// If the plugin does not answer a call, the scenario of the call fails. The next one
// begins when the plugin answers a ping; if it never does, the rest is not judged, and the report
// says that the plugin is gone.
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
		if options.InterLink {
			result.Plugin = "through InterLink at " + options.Plugin
		}
		if err := waitForPlugin(ctx, options); err != nil {
			return nil, Unreachable{err}
		}
	}
	result.Scenarios, result.PluginGone = playAll(ctx, files, options)
	result.Took = time.Since(result.Started).Seconds()
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	return result, nil
}

// startPause is the pause between two pings of a plugin that is being started.
const startPause = 500 * time.Millisecond

// waitForPlugin returns an error if no plugin answers a ping at the address. While nothing
// listens there, the plugin may be starting.
func waitForPlugin(ctx context.Context, options Options) error {
	limit := time.Now().Add(options.Startup)
	for {
		err := checkPlugin(ctx, options)
		if !isAbsent(err) || time.Now().After(limit) {
			return err
		}
		select {
		case <-time.After(startPause):
		case <-ctx.Done():
			return err
		}
	}
}

// checkPlugin returns an error if no plugin answers a ping at the address.
func checkPlugin(ctx context.Context, options Options) error {
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{
		Plugin: options.Plugin, InterLink: options.InterLink, HeaderTimeout: 2 * options.CallTimeout, CallTimeout: options.CallTimeout,
	})
	if err != nil {
		return err
	}
	defer kubelet.Close()
	return kubelet.CheckPlugin(ctx)
}

// playAll plays several scenarios at a time. On one real cluster, those that count
// claims are played one after the other; so are those that count jobs, if a command lists
// the jobs of all scenarios. Those that restart a plugin with an address are played first,
// and alone. gone says that the plugin does not answer any more.
func playAll(ctx context.Context, files []*scenario.File, options Options) (scenarios []report.Scenario, gone string) {
	scenarios = make([]report.Scenario, len(files))
	var group errgroup.Group
	group.SetLimit(options.Parallel)
	plugin := health{options: options}
	options.lost = plugin.losses.add
	var mu sync.Mutex
	var again []held
	done := func(i int) {
		if options.Done != nil {
			options.Done(scenarios[i])
		}
	}
	play := func(i int) {
		if ctx.Err() != nil {
			scenarios[i] = newResult(files[i])
			scenarios[i].Verdict, scenarios[i].Skipped = report.Skipped, "the replay was interrupted before it began"
			return
		}
		if options.Started != nil {
			options.Started(files[i].Name)
		}
		start, noServer := time.Now(), false
		scenarios[i], noServer = playOnce(ctx, files[i], options, &plugin)
		if h := (held{i, start, time.Now(), noServer}); scenarios[i].Verdict == report.Failed && plugin.losses.concern(files[i].Name, h) {
			mu.Lock()
			again = append(again, h)
			mu.Unlock()
			return
		}
		done(i)
	}
	var oneByOne, atOnce []int
	for i, file := range files {
		if options.Plugin != "" && restartsPlugin(file) {
			play(i) // alone: it would fail the calls of others
			continue
		}
		if options.Client != nil && countsClaims(file) || options.countsJobs() && needsJobs(file) {
			oneByOne = append(oneByOne, i)
		} else {
			atOnce = append(atOnce, i)
		}
	}
	inTurn := func() error {
		for _, i := range oneByOne {
			play(i)
		}
		return nil
	}
	if options.countsJobs() {
		_ = inTurn() // alone: the jobs of others would be counted
	} else {
		group.Go(inTurn) // first, since they take longest
	}
	for _, i := range atOnce {
		group.Go(func() error { play(i); return nil })
	}
	_ = group.Wait() // no scenario returns an error
	for _, h := range again {
		scenarios[h.index] = playAgain(ctx, files[h.index], options, &plugin, scenarios[h.index], h)
		done(h.index)
	}
	return scenarios, plugin.recovered(ctx) // the last scenario may have ended it
}
