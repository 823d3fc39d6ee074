package play

import (
	"slices"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Preview says what would become of a scenario, without playing it.
type Preview struct {
	File *scenario.File
	// Skipped is why the scenario would be skipped; empty if it would be played.
	Skipped string
	// About is the real time that a plugin needs that keeps the scenario's times, AtMost
	// that of one whose pods do not end. Both are 0 where no real time passes.
	About, AtMost time.Duration
}

// Schedule is a preview of all scenarios.
type Schedule struct {
	Scenarios []Preview
	Parallel  int
	// About and AtMost are the times of all scenarios together.
	About, AtMost time.Duration
}

// afterEnd is how long a healthy plugin needs for the rest of a scenario: a poll that sees
// the end, the logs, and the delete.
const afterEnd = 10 * time.Second

// NewSchedule returns what Run would do.
func NewSchedule(files []*scenario.File, options Options) (*Schedule, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	s := &Schedule{Parallel: options.Parallel}
	for _, file := range files {
		options := options.withSlackOf(file)
		p := Preview{File: file, Skipped: skipReason(file, options)}
		if p.Skipped == "" && (options.Plugin != "" || !options.simulatesNodes()) {
			p.About = time.Duration(float64(file.CreateAfter.Duration+lasts(file)+afterEnd+options.slack()) / options.Speed)
			p.AtMost = min(p.About+options.playTime(), options.Timeout)
		}
		s.Scenarios = append(s.Scenarios, p)
	}
	s.About = s.together(func(p Preview) time.Duration { return p.About })
	s.AtMost = s.together(func(p Preview) time.Duration { return p.AtMost })
	return s, nil
}

// together returns how long all scenarios take, when each begins as soon as another one
// has ended.
func (s *Schedule) together(of func(Preview) time.Duration) time.Duration {
	ends := make([]time.Duration, s.Parallel)
	for _, p := range s.Scenarios {
		slices.Sort(ends)
		ends[0] += of(p)
	}
	return slices.Max(ends)
}

// lasts returns when the pods of a scenario have ended, or are compared and deleted.
func lasts(file *scenario.File) time.Duration {
	if file.Until.Duration > 0 {
		return file.Until.Duration
	}
	var end time.Duration
	for _, step := range file.Steps {
		end = max(end, step.At.Duration)
	}
	for i := range file.Pods {
		pod := &file.Pods[i]
		behavior := file.Nodes[file.Key(pod.Namespace, pod.Name)]
		ended := behavior.Schedule.Duration
		for _, c := range pod.Spec.InitContainers {
			if c.RestartPolicy == nil { // not a native sidecar
				ended += runsFor(behavior.Containers[c.Name])
			}
		}
		var longest time.Duration
		for _, c := range pod.Spec.Containers {
			longest = max(longest, runsFor(behavior.Containers[c.Name]))
		}
		end = max(end, ended+longest)
	}
	return end
}

// runsFor returns how long a container needs for all its runs. A kubelet waits 10 s before
// the second restart, and twice as long before each further one.
func runsFor(c scenario.Container) time.Duration {
	start, run := time.Second, time.Second
	if c.Start != nil {
		start = c.Start.Duration
	}
	if c.Run != nil {
		run = c.Run.Duration
	}
	total, wait := start+run, time.Duration(0)
	for range max(len(c.ExitCodes), 1) - 1 {
		total += wait + run
		wait = max(10*time.Second, 2*wait)
	}
	return total
}
