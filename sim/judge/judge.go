package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Difference is one thing that is not as the scenario expects it.
type Difference struct {
	// Rule is the number of the rule of docs/contract.md that the difference
	// follows from, such as CREATE-4; empty if there is no single one.
	Rule string
	// Text is one sentence.
	Text string
}

// String returns the text, after the number of the rule.
func (d Difference) String() string {
	if d.Rule == "" {
		return d.Text
	}
	return d.Rule + ": " + d.Text
}

// differencef returns a difference; rule may be empty.
func differencef(rule, format string, args ...any) Difference {
	return Difference{Rule: rule, Text: fmt.Sprintf(format, args...)}
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
	if seen.Created != nil {
		found = append(found, compareCounts("while the pods exist", file.Expect.Remote, seen.Created, createdRule)...)
		for _, key := range keys {
			found = append(found, compareRemotePod(key, file.Expect.Pods[key], seen)...)
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

// shorten keeps a sentence readable, whatever the plugin has answered.
func shorten(text string) string {
	const limit = 300
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}
