package play

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// RunningNotRequired is the beginning of the note on a pod whose phase Running was
// not required.
const RunningNotRequired = "The phase Running was not required"

// playOnce plays a scenario and compares what it observes with what the scenario expects. It
// also returns whether it ended because nothing listened at the plugin's address.
func playOnce(ctx context.Context, file *scenario.File, options Options, plugin *health) (result report.Scenario, noServer bool) {
	start := time.Now()
	options = options.withSlackOf(file)
	result = newResult(file)
	defer func() { result.Took = time.Since(start).Seconds() }()
	if reason := skipReason(file, options); reason != "" {
		result.Verdict, result.Skipped = report.Skipped, reason
		return result, false
	}
	if reason := plugin.recovered(ctx); reason != "" {
		result.Verdict, result.NotJudged = report.NotJudged, []string{reason}
		return result, false
	}
	interrupted := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, options.Timeout, fmt.Errorf("the scenario did not end within %s", options.Timeout))
	defer cancel()
	file = comparable(file, options)
	env, err := startEnvironment(ctx, file, options)
	switch {
	case err != nil && interrupted.Err() != nil:
		result.Verdict, result.NotJudged = report.NotJudged, []string{wasInterrupted}
		return result, false
	case err != nil:
		result.Differences = []report.Difference{{Text: judge.HideSecrets(file, err.Error())}}
		return result, false
	}
	defer env.close()
	p := newPlayer(env)
	err = playToEnd(ctx, p)
	if err != nil {
		p.seen.Unfinished = unfinished(err)
		p.deleteRest(ctx)
	}
	if env.unanswered.err() != nil {
		plugin.doubtful(file.Name)
	}
	var stale []judge.Difference
	stale, result.Notes = p.reportStale()
	result.Notes = append(result.Notes, p.probeNotes()...)
	if parts := file.NotCompared(); len(parts) > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("Not compared, since it needs another level or a capability that is not declared: %s.", strings.Join(parts, ", ")))
	}
	p.seen.Violations = append(env.recorder.allViolations(), stale...)
	var unplayable *notPlayable
	switch {
	case err != nil && interrupted.Err() != nil:
		result.Verdict, result.NotJudged = report.NotJudged, []string{wasInterrupted}
	case errors.As(err, &unplayable) && len(p.seen.Violations) == 0:
		result.Verdict, result.NotJudged = report.NotJudged, []string{unplayable.Error()}
	default:
		judgeScenario(&result, file, p.seen)
		foldNoAnswer(&result, err)
	}
	if env.remote == nil {
		result.Notes = append(result.Notes, "The remote cluster was not observed: the options do not name it.")
	}
	for _, key := range slices.Sorted(maps.Keys(p.seen.Pods)) {
		if judge.RunningNotRequired(file.Expect.Pods[key], p.seen.Pods[key]) {
			result.Notes = append(result.Notes, fmt.Sprintf("%s of pod %s: it ran for so short a time that no poll of its status had to show it.", RunningNotRequired, key))
		}
	}
	if len(env.pods) > maxTimelinePods {
		result.Notes = append(result.Notes, fmt.Sprintf("The timeline shows the first %d of %d pods.", maxTimelinePods, len(env.pods)))
	}
	result.Lasted = env.elapsed().Seconds()
	result.Pods, result.Steps = env.recorder.timeline()
	return result, foundNoServer(err)
}

// newResult returns the result of a scenario that is not judged yet.
func newResult(file *scenario.File) report.Scenario {
	return report.Scenario{Name: file.Name, Description: file.Description, File: file.Path, Level: file.LevelName(), Verdict: report.Failed}
}

// playToEnd plays a whole scenario. It returns an error if the scenario could not be
// played to its end.
func playToEnd(ctx context.Context, p *player) (err error) {
	if err := p.env.setUpRemote(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.env.cleanUp(ctx)) }()
	if err := p.observeVirtualNode(ctx); err != nil {
		return errors.Join(p.env.unanswered.err(), err)
	}
	p.jobsBefore(ctx)
	if err := p.pauseBeforeCreates(ctx); err != nil {
		return errors.Join(p.env.unanswered.err(), err)
	}
	if err := p.createPods(ctx); err != nil {
		return err
	}
	p.observeJobs(ctx)
	if err := p.observeCreated(ctx); err != nil {
		return err
	}
	if err := p.waitForRealNodes(ctx); err != nil {
		return err
	}
	if err := p.pollUntilEnd(ctx); err != nil {
		return err
	}
	if err := p.observeEnd(ctx); err != nil {
		return err
	}
	if err := p.deletePods(ctx); err != nil {
		return err
	}
	return p.waitUntilDeleted(ctx)
}

// comparable returns the scenario with what can be expected of the plugin: everything of this
// one, and of another one what its profile declares.
func comparable(file *scenario.File, options Options) *scenario.File {
	if options.comparesAll() {
		return file.ForThisPlugin()
	}
	var capabilities []scenario.Capability
	if options.Profile != nil {
		for _, name := range options.Profile.Capabilities {
			capabilities = append(capabilities, scenario.Capability(name))
		}
	}
	return file.Portable(capabilities)
}

// judgeScenario sets the verdict of a scenario, and what it follows from, without secrets.
func judgeScenario(result *report.Scenario, file *scenario.File, seen *judge.Observation) {
	judged := judge.Judge(file, seen)
	for _, note := range judged.Notes {
		result.Notes = append(result.Notes, judge.HideSecrets(file, note))
	}
	for _, difference := range judged.Differences {
		explained := difference.Explanation()
		shown := report.Difference{
			Rule: difference.Rule, Text: judge.HideSecrets(file, difference.Text), Consequence: explained.Consequence, Right: explained.Right,
		}
		for _, followOn := range difference.FollowOns {
			shown.FollowOns = append(shown.FollowOns, judge.HideSecrets(file, followOn))
		}
		result.Differences = append(result.Differences, shown)
	}
	switch {
	case len(judged.Differences) > 0:
		result.Verdict = report.Failed
	case len(judged.NotJudged) > 0:
		result.Verdict, result.NotJudged = report.NotJudged, judged.NotJudged
	default:
		result.Verdict = report.Passed
	}
}
