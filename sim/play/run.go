package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// errNoAnswer ends a whole replay: what is asked of such a plugin only takes time.
var errNoAnswer = errors.New("the plugin gave no answer")

// Run plays scenarios, and reports on all of them, in their order. An error
// means that nothing could be played: the options make no sense, or what is at
// the address answers no ping as a plugin does. A plugin that stops to answer on
// the way fails the scenario that notices and those that are not yet played.
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
		if err := ping(ctx, options); err != nil {
			return nil, err
		}
	}
	if result.Scenarios, err = playAll(ctx, files, options); err != nil {
		return nil, err
	}
	result.Took = time.Since(result.Started).Seconds()
	return result, nil
}

// ping asks what is at the address whether it is a plugin.
func ping(ctx context.Context, options Options) error {
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{
		Plugin: options.Plugin, HeaderTimeout: 2 * options.CallTimeout, CallTimeout: options.CallTimeout,
	})
	if err != nil {
		return err
	}
	defer kubelet.Close()
	return kubelet.CheckPlugin(ctx)
}

func playAll(ctx context.Context, files []*scenario.File, options Options) ([]report.Scenario, error) {
	scenarios := make([]report.Scenario, len(files))
	var group errgroup.Group
	group.SetLimit(options.Parallel)
	var silent atomic.Bool
	play := func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if options.Started != nil {
			options.Started(files[i].Name)
		}
		scenarios[i] = playOne(ctx, files[i], options, &silent)
		if options.Done != nil {
			options.Done(scenarios[i])
		}
		return ctx.Err()
	}
	var turns, free []int
	for i, file := range files {
		if options.Client != nil && countsClaims(file) {
			turns = append(turns, i)
		} else {
			free = append(free, i)
		}
	}
	group.Go(func() error { // first: one after the other, they take longest
		for _, i := range turns {
			if err := play(i); err != nil {
				return err
			}
		}
		return nil
	})
	for _, i := range free {
		group.Go(func() error { return play(i) })
	}
	if err := group.Wait(); err != nil {
		return nil, context.Cause(ctx)
	}
	return scenarios, nil
}

// countsClaims says whether claims are a scenario's affair. Those of one cluster
// belong to nobody in particular, so that such scenarios take turns there, and
// others do not look at them.
func countsClaims(file *scenario.File) bool {
	_, created := file.Expect.Remote["PersistentVolumeClaim"]
	_, left := file.Expect.Left["PersistentVolumeClaim"]
	return created || left || len(file.Claims)+len(file.Site.Claims) > 0 || slices.ContainsFunc(file.Pods, func(pod corev1.Pod) bool {
		return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil })
	})
}

// playOne plays a scenario, and judges it.
func playOne(ctx context.Context, file *scenario.File, options Options, silent *atomic.Bool) (result report.Scenario) {
	began := time.Now()
	result = report.Scenario{Name: file.Name, Description: file.Description, File: file.Path, Verdict: report.Failed}
	defer func() { result.Took = time.Since(began).Seconds() }()
	if why := skipped(file, options); why != "" {
		result.Verdict, result.Skipped = report.Skipped, why
		return result
	}
	if silent.Load() {
		result.Differences = []string{"not played: the plugin had given no answer in another scenario"}
		return result
	}
	ctx, cancel := context.WithTimeoutCause(ctx, options.Timeout, fmt.Errorf("the scenario did not come to its end within %s", options.Timeout))
	defer cancel()
	s, err := newStage(ctx, file, options)
	if err != nil {
		result.Differences = []string{err.Error()}
		return result
	}
	defer s.close()
	p := &player{stage: s, seen: judge.NewObservation(file), steps: s.steps(), done: map[string]bool{}}
	err = p.play(ctx)
	if s.unanswered.Load() {
		silent.Store(true)
	}
	var found []judge.Difference
	if err != nil {
		found = append(judge.Unfinished(file, p.seen), judge.Difference{Text: err.Error()})
	} else {
		found = judge.Differences(file, p.seen)
	}
	for _, difference := range found {
		result.Differences = append(result.Differences, difference.String())
	}
	if len(result.Differences) == 0 {
		result.Verdict = report.Passed
	}
	if s.remote == nil {
		result.Notes = append(result.Notes, "The remote cluster was not looked at: nobody said where it is.")
	}
	if len(p.pods) > maxLanes {
		result.Notes = append(result.Notes, fmt.Sprintf("The timeline shows the first %d of %d pods.", maxLanes, len(p.pods)))
	}
	result.Lasted = s.after().Seconds()
	result.Pods, result.Steps = p.record.lanes()
	return result
}
