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
			found = append(found, differencef(rule(kind, count-want), "the remote cluster has %d %ss %s, expected %d%s", count, kind, when, want, list(names(kind))))
		}
	}
	return found
}

// createdRule is the rule of a wrong number of objects while the pods exist. surplus
// is negative if objects are missing.
func createdRule(kind string, surplus int) string {
	if kind == "Pod" && surplus > 0 {
		return "CREATE-8"
	}
	return ""
}

// leftRule is the rule of a wrong number of objects after all pods are deleted.
func leftRule(_ string, surplus int) string {
	if surplus > 0 {
		return "DELETE-1" // the delete is not repeated, so the plugin must complete it
	}
	return ""
}

// list returns names as the end of a sentence.
func list(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return shorten(": [" + strings.Join(names, ", ") + "]")
}

// compareRemotePod compares the remote pod, as it was created, with the expected
// parts of its manifest, its variables and its files.
func compareRemotePod(file *scenario.File, key string, expected scenario.PodExpectation, seen *Observation) []Difference {
	if len(expected.RemotePod)+len(expected.Env)+len(expected.Files)+len(expected.NoFiles) == 0 {
		return nil
	}
	pod := seen.RemotePods[key]
	if pod == nil {
		return []Difference{differencef("", "pod %s has no remote pod", key)}
	}
	hidden := slices.Concat(secretsOf(file.Secrets), secretsOf(seen.Created.Secrets))
	var found []Difference
	for _, difference := range inspect.CompareManifest(pod, expected.RemotePod) {
		found = append(found, differencef("", "remote pod of %s: %s", key, shorten(difference)))
	}
	for _, container := range slices.Sorted(maps.Keys(expected.Env)) {
		env, err := seen.Created.Env(pod, container)
		found = append(found, compareContents(key, container, "variable", "value", expected.Env[container], env, hidden, err)...)
	}
	for _, container := range slices.Sorted(maps.Keys(expected.Files)) {
		files, err := seen.Created.Files(pod, container)
		contents := map[string]string{}
		for path, file := range files {
			contents[path] = string(file.Content)
		}
		found = append(found, compareContents(key, container, "file", "content", expected.Files[container], contents, hidden, err)...)
	}
	for _, container := range slices.Sorted(maps.Keys(expected.NoFiles)) {
		files, err := seen.Created.Files(pod, container)
		if err != nil {
			found = append(found, differencef("", "container %s of the remote pod of %s cannot start: %v", container, key, err))
		}
		for _, path := range expected.NoFiles[container] {
			if _, exists := files[path]; exists {
				found = append(found, differencef("", "container %s of the remote pod of %s has a file %s", container, key, path))
			}
		}
	}
	return found
}

// compareContents compares the expected variables or files of a container; what and
// content are the words for them. Of what hidden holds, and what should hold it, only the
// length and a hash are told. err is why the container cannot start.
func compareContents(key, container, what, content string, expected, seen map[string]string, hidden secrets, err error) []Difference {
	subject := fmt.Sprintf("container %s of the remote pod of %s", container, key)
	if err != nil {
		return []Difference{differencef("", "%s cannot start: %v", subject, err)}
	}
	var found []Difference
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		switch value, exists := seen[name]; {
		case !exists:
			found = append(found, differencef("", "%s has no %s %s", subject, what, name))
		case value != expected[name] && (hidden.holds(value) || hidden.holds(expected[name])):
			found = append(found, differencef("", "%s has %s %s with another %s of a Secret (%s) than expected (%s)", subject, what, name, content, fingerprint(value), fingerprint(expected[name])))
		case value != expected[name]:
			found = append(found, differencef("", "%s", shorten(fmt.Sprintf("%s has %s %s with %s %q, expected %q", subject, what, name, content, value, expected[name]))))
		}
	}
	return found
}
