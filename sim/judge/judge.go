package judge

import (
	"maps"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

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
	if seen.Created != nil {
		found = append(found, compareCounts("while the pods exist", file.Expect.Remote, seen.Created, createdRule, seen.Created.Names)...)
		for _, key := range keys {
			found = append(found, compareRemotePod(file, key, file.Expect.Pods[key], seen)...)
		}
	}
	for _, key := range keys {
		found = append(found, compareLogs(key, file.Expect.Pods[key], seen.Pods[key].Logs)...)
	}
	if seen.Left != nil {
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
