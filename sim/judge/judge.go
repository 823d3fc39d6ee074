package judge

import (
	"maps"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Result is what can be said about a scenario that was played. It failed if there are
// differences, is not judged if there are none and something that must be observed was not,
// and has passed otherwise.
type Result struct {
	Differences []Difference
	// NotJudged says in one sentence for each aspect why it was not observed.
	NotJudged []string
	// Notes say in one sentence each what is not a fault, although it is unusual.
	Notes []string
}

// Judge compares an observation with what the scenario expects. For a plugin that may lack
// parts of the expectation, file is what scenario.File.Portable returned, here and while the
// scenario was played. Differences that explain others come first.
func Judge(file *scenario.File, seen *Observation) Result {
	file, notes := withoutRefused(file, seen)
	result := judge(file, seen)
	result.Notes = notes
	return result
}

func judge(file *scenario.File, seen *Observation) Result {
	refused := map[string]bool{}
	for key, expected := range file.Expect.Pods {
		refused[key] = expected.Refused == "" && seen.Pods[key].Refusal != nil
	}
	maps.DeleteFunc(refused, func(_ string, is bool) bool { return !is })
	if seen.Unfinished != nil {
		return Result{Differences: append(fold(file, unfinished(file, seen), refused), *seen.Unfinished)}
	}
	if len(file.Expect.Pods) == 0 { // all were refused
		return Result{Differences: differences(file, seen)}
	}
	return Result{Differences: fold(file, foldStale(foldPanic(differences(file, seen)), seen.Pods), refused), NotJudged: notJudged(file, seen)}
}

// differences returns all differences of a scenario that was played to its end.
func differences(file *scenario.File, seen *Observation) []Difference {
	var found []Difference
	keys := slices.Sorted(maps.Keys(file.Expect.Pods))
	for _, key := range keys {
		found = append(found, ofPod(key, compareCreate(key, file.Expect.Pods[key], seen.Pods[key]))...)
	}
	found = append(found, seen.Violations...)
	found = append(found, compareVirtualNode(file.Expect.VirtualNode, seen.VirtualNode)...)
	for _, key := range keys {
		status := StatusDifferences(key, file.Expect.Pods[key], seen.Pods[key])
		found = append(found, ofPod(key, explained(key, file.Pod(key), file.Expect.Pods[key], seen.Pods[key], status))...)
		found = append(found, ofPod(key, unknownContainers(key, file.Pod(key), seen.Pods[key].Status))...)
	}
	showsRemote := seen.Created != nil && !isForeign(file, seen)
	if showsRemote {
		found = append(found, compareCounts("while the pods exist", file.Expect.Remote, seen.Created, createdRule, seen.Created.Names)...)
	}
	found = append(found, compareJobs(file, seen.Jobs)...)
	for _, key := range keys {
		expected := file.Expect.Pods[key]
		if showsRemote {
			found = append(found, ofPod(key, compareRemotePod(file, key, expected, seen))...)
		}
		if !showsRemote || seen.Probed {
			found = append(found, ofPod(key, compareProbes(file, key, expected, seen.Pods[key].Probes))...)
		}
	}
	for _, key := range keys {
		found = append(found, ofPod(key, compareLogs(key, file.Expect.Pods[key], seen.Pods[key].Logs))...)
	}
	if seen.Left != nil && !isForeign(file, seen) {
		found = append(found, LeftDifferences(file, seen.Left)...)
	}
	return found
}

// unfinished returns what can be said about a scenario that was not played to its
// end: refused pods and violations.
func unfinished(file *scenario.File, seen *Observation) []Difference {
	var found []Difference
	for _, key := range slices.Sorted(maps.Keys(file.Expect.Pods)) {
		if seen.Pods[key].Refusal != nil {
			found = append(found, ofPod(key, compareCreate(key, file.Expect.Pods[key], seen.Pods[key]))...)
		}
	}
	return append(found, seen.Violations...)
}
