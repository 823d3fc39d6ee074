package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// LeftDifferences compares what the remote cluster holds after all pods are deleted
// with what the scenario expects: nothing of a kind that it does not name.
func LeftDifferences(file *scenario.File, left *inspect.Snapshot) []Difference {
	expected := map[string]int{}
	for _, kind := range file.LeftKinds() {
		expected[kind] = file.Expect.Left[kind]
	}
	return compareCounts("after all pods are deleted", expected, left, leftRule, left.LeftNames)
}

// compareCounts compares the numbers of remote objects of the kinds in expected.
func compareCounts(
	when string, expected map[string]int, seen *inspect.Snapshot, rule func(kind string, surplus int) string, names func(kind string) []string,
) []Difference {
	var found []Difference
	for _, kind := range scenario.CountedKinds {
		want, named := expected[kind]
		if count := seen.Count(kind); named && count != want {
			d := differencef(rule(kind, count-want), "the remote cluster has %s %s, expected %d%s", plural(count, kind), when, want, list(names(kind)))
			d.missing = count < want
			found = append(found, d)
		}
	}
	return found
}

// createdRule is the rule of a wrong number of objects while the pods exist. surplus
// is negative if objects are missing.
func createdRule(kind string, surplus int) string {
	switch {
	case kind == "Pod" && surplus > 0:
		return "CREATE-8"
	case kind == "Service":
		return "NET-8"
	case kind == "Release":
		return "NET-2"
	}
	return "CREATE-18"
}

// leftRule is the rule of a wrong number of objects after all pods are deleted.
func leftRule(_ string, surplus int) string {
	if surplus > 0 {
		return "DELETE-1" // the delete is not repeated, so the plugin must complete it
	}
	return "DELETE-10"
}

// compareJobs compares the jobs that a command listed with the pods: one for each, and none
// when they are deleted.
func compareJobs(file *scenario.File, jobs *Jobs) []Difference {
	if jobs == nil || jobs.Why != "" {
		return nil
	}
	var found []Difference
	for _, key := range slices.Sorted(maps.Keys(jobs.ByPod)) {
		if n := jobs.ByPod[key]; n > 1 {
			found = append(found, ofPod(key, []Difference{differencef("CREATE-8", "the plugin had %d jobs for pod %s at the same time, expected 1", n, key)})...)
		}
	}
	if pods := len(file.Pods); jobs.ByPod == nil && jobs.Most > pods {
		found = append(found, differencef("CREATE-8", "the plugin had %s at the same time, expected 1 for each pod: %d", plural(jobs.Most, "job"), pods))
	}
	if len(jobs.Left) > 0 && file.Expect.Left["Pod"] == 0 {
		found = append(found, differencef("DELETE-1", "the plugin has %s after all pods are deleted, expected 0%s", plural(len(jobs.Left), "job"), list(jobs.Left)))
	}
	return found
}

// plural returns a number with a noun.
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// list returns names as the end of a sentence.
func list(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return shorten(": [" + strings.Join(names, ", ") + "]")
}
