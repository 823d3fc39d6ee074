package play

import (
	"fmt"
	"maps"
	"slices"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// kinds are those of which remote objects are counted.
var kinds = []string{"Pod", "ConfigMap", "Secret", "PersistentVolumeClaim", "Service", "Release"}

// judgeCounts looks at the kinds that are named.
func judgeCounts(when string, expected map[string]int, seen *inspect.Snapshot) []string {
	var found []string
	for _, kind := range kinds {
		if want, named := expected[kind]; named && seen.Count(kind) != want {
			found = append(found, fmt.Sprintf("remotely stand %d %ss %s, not %d%s", seen.Count(kind), kind, when, want, names(seen, kind)))
		}
	}
	return found
}

// judgeLeft looks at all kinds.
func judgeLeft(file *scenario.File, seen *observation) []string {
	if seen.left == nil {
		return nil
	}
	expected := map[string]int{}
	for _, kind := range kinds {
		expected[kind] = file.Expect.Left[kind]
	}
	return judgeCounts("after all pods are deleted", expected, seen.left)
}

// names says which objects there are.
func names(seen *inspect.Snapshot, kind string) string {
	if names := seen.Names(kind); len(names) > 0 {
		return cut(fmt.Sprintf(": %v", names))
	}
	return ""
}

// judgeRemote looks at the remote pod as it was created.
func judgeRemote(key string, expected scenario.PodExpectation, seen *observation) []string {
	if len(expected.RemotePod)+len(expected.Env)+len(expected.Files) == 0 {
		return nil
	}
	pod := seen.remotePods[key]
	if pod == nil {
		return []string{fmt.Sprintf("pod %s has no remote pod", key)}
	}
	var found []string
	for _, difference := range inspect.CompareManifest(pod, expected.RemotePod) {
		found = append(found, fmt.Sprintf("remote pod of %s: %s", key, cut(difference)))
	}
	for _, container := range slices.Sorted(maps.Keys(expected.Env)) {
		env, err := seen.created.Env(pod, container)
		found = append(found, parts("variable", fmt.Sprintf("container %s of the remote pod of %s", container, key), expected.Env[container], env, err)...)
	}
	for _, container := range slices.Sorted(maps.Keys(expected.Files)) {
		files, err := seen.created.Files(pod, container)
		contents := map[string]string{}
		for path, file := range files {
			contents[path] = string(file.Content)
		}
		found = append(found, parts("file", fmt.Sprintf("container %s of the remote pod of %s", container, key), expected.Files[container], contents, err)...)
	}
	return found
}

// parts compares those of a container that are expected.
func parts(what, of string, expected, seen map[string]string, err error) []string {
	if err != nil {
		return []string{fmt.Sprintf("%s cannot start: %v", of, err)}
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		switch value, there := seen[name]; {
		case !there:
			found = append(found, fmt.Sprintf("%s finds no %s %s", of, what, name))
		case value != expected[name]:
			found = append(found, cut(fmt.Sprintf("%s finds %s %s with %q, not %q", of, what, name, value, expected[name])))
		}
	}
	return found
}
