package judge

import (
	"maps"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Options say how a plugin is judged.
type Options struct {
	// LogPreamble allows lines before the first line of a container in its log.
	LogPreamble bool
}

// Result is what can be said about a scenario that was played. It failed if there are
// differences, is not judged if there are none and something that must be observed was not,
// and has passed otherwise.
type Result struct {
	Differences []Difference
	// NotJudged says in one sentence for each aspect why it was not observed.
	NotJudged []string
}

// Judge compares an observation with what the scenario expects. For a plugin that may lack
// parts of the expectation, file is what scenario.File.Portable returned, here and while the
// scenario was played.
func Judge(file *scenario.File, seen *Observation, _ Options) Result {
	if seen.Unfinished != nil {
		return Result{Differences: append(Unfinished(file, seen), *seen.Unfinished)}
	}
	return Result{Differences: Differences(file, seen), NotJudged: notJudged(file, seen)}
}

// Differences compares an observation with what the scenario expects. Differences
// that explain others come first.
func Differences(file *scenario.File, seen *Observation) []Difference {
	var found []Difference
	keys := slices.Sorted(maps.Keys(file.Expect.Pods))
	for _, key := range keys {
		found = append(found, compareCreate(key, file.Expect.Pods[key], seen.Pods[key])...)
	}
	found = append(found, seen.Violations...)
	for _, key := range keys {
		found = append(found, StatusDifferences(key, file.Expect.Pods[key], seen.Pods[key])...)
		found = append(found, unknownContainers(key, file.Pod(key), seen.Pods[key].Status)...)
	}
	if seen.Created != nil && !isForeign(file, seen) {
		found = append(found, compareCounts("while the pods exist", file.Expect.Remote, seen.Created, createdRule, seen.Created.Names)...)
		for _, key := range keys {
			found = append(found, compareRemotePod(file, key, file.Expect.Pods[key], seen)...)
		}
	}
	for _, key := range keys {
		found = append(found, compareLogs(key, file.Expect.Pods[key], seen.Pods[key].Logs)...)
	}
	if seen.Left != nil && !isForeign(file, seen) {
		found = append(found, LeftDifferences(file, seen.Left)...)
	}
	return found
}

// Unfinished returns what can be said about a scenario that was not played to its
// end: refused pods and violations.
func Unfinished(file *scenario.File, seen *Observation) []Difference {
	var found []Difference
	for _, key := range slices.Sorted(maps.Keys(file.Expect.Pods)) {
		if seen.Pods[key].Refusal != nil {
			found = append(found, compareCreate(key, file.Expect.Pods[key], seen.Pods[key])...)
		}
	}
	return append(found, seen.Violations...)
}
