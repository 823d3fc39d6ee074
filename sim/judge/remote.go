package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// compareRemotePod compares the remote pod, as it was created, with the expected
// parts of its manifest, and, unless the containers tell them, its variables and its files.
func compareRemotePod(file *scenario.File, key string, expected scenario.PodExpectation, seen *Observation) []Difference {
	inside := len(expected.Env) + len(expected.NoEnv) + len(expected.Files) + len(expected.NoFiles)
	if seen.Probed {
		inside = 0 // the containers tell what is in them
	}
	if len(expected.RemotePod)+inside == 0 {
		return nil
	}
	pod := seen.RemotePods[key]
	if pod == nil {
		return []Difference{differencef("CREATE-18", "pod %s has no remote pod", key)}
	}
	found := compareManifest(key, inspect.CompareManifest(pod, expected.RemotePod))
	if inside == 0 {
		return found
	}
	return append(found, compareContainers(expected, containers{
		hidden:  slices.Concat(secretsOf(file.Secrets), secretsOf(seen.Created.Secrets)),
		subject: func(name string) string { return fmt.Sprintf("container %s of the remote pod of %s", name, key) },
		env:     func(name string) (map[string]string, error) { return seen.Created.Env(pod, name) },
		files: func(name string) (map[string]string, error) {
			files, err := seen.Created.Files(pod, name)
			contents := map[string]string{}
			for path, file := range files {
				contents[path] = string(file.Content)
			}
			return contents, err
		},
	})...)
}

// maxFields is how many different fields of a remote pod are differences of their own.
const maxFields = 5

// compareManifest returns the fields of a remote pod that differ; many are one difference.
func compareManifest(key string, fields []string) []Difference {
	var found []Difference
	for _, field := range fields {
		found = append(found, differencef("CREATE-19", "remote pod of %s: %s", key, shorten(field)))
	}
	if len(fields) <= maxFields {
		return found
	}
	first := differencef("CREATE-19", "remote pod of %s: %d fields differ, such as %s", key, len(fields), shorten(strings.Join(fields[:maxFields], "; ")))
	first.FollowOns = fields[maxFields:]
	return []Difference{first}
}

// compareProbes compares variables and files with what the containers have written about
// themselves. Of a container that has written nothing, they are unknown.
func compareProbes(file *scenario.File, key string, expected scenario.PodExpectation, probes map[string]Probe) []Difference {
	unknown := func(name string) bool { return probes[name].Runs == 0 || probes[name].NoContents != "" }
	expected.Env, expected.Files = maps.Clone(expected.Env), maps.Clone(expected.Files)
	expected.NoEnv, expected.NoFiles = maps.Clone(expected.NoEnv), maps.Clone(expected.NoFiles)
	maps.DeleteFunc(expected.Env, func(name string, _ map[string]string) bool { return unknown(name) })
	maps.DeleteFunc(expected.Files, func(name string, _ map[string]string) bool { return unknown(name) })
	maps.DeleteFunc(expected.NoEnv, func(name string, _ []string) bool { return unknown(name) })
	maps.DeleteFunc(expected.NoFiles, func(name string, _ []string) bool { return unknown(name) })
	found := compareContainers(expected, containers{
		hidden:  secretsOf(file.Secrets),
		subject: func(name string) string { return fmt.Sprintf("container %s of pod %s", name, key) },
		suffix:  ", as its own log shows",
		env:     func(name string) (map[string]string, error) { return probes[name].Env, nil },
		files:   func(name string) (map[string]string, error) { return probes[name].Files, nil },
	})
	for _, name := range slices.Sorted(maps.Keys(probes)) {
		if n := probes[name].Runs; n > 1 && !file.MayRunAgain(key, name) {
			d := differencef("CREATE-8", "container %s of pod %s has begun %d times, expected once, as its own logs show", name, key, n)
			if !mayBeCreatedTwice(file, key) {
				d.own = doneTwice
			}
			found = append(found, d)
		}
		for _, path := range slices.Sorted(maps.Keys(probes[name].Claims)) {
			if !probes[name].Claims[path] {
				found = append(found, differencef("VOL-14", "container %s of pod %s cannot read what it writes into the volume of its claim at %s, as its own log shows", name, key, path))
			}
		}
	}
	return found
}

// mayBeCreatedTwice reports whether a step sends the create of a pod again, or may do so.
func mayBeCreatedTwice(file *scenario.File, key string) bool {
	return slices.ContainsFunc(file.Steps, func(s scenario.Step) bool { return s.Create == key || s.RestartVirtualKubelet != nil })
}

// containers are the containers of a pod, and what is in them. The errors say why a container
// cannot start.
type containers struct {
	subject    func(container string) string
	env, files func(container string) (map[string]string, error)
	hidden     secrets
	suffix     string // of each sentence
}

// compareContainers compares the expected variables and files of containers.
func compareContainers(expected scenario.PodExpectation, in containers) []Difference {
	var found []Difference
	for _, name := range slices.Sorted(maps.Keys(expected.Env)) {
		env, err := in.env(name)
		found = append(found, in.compare("ENV-20", name, "variable", "value", expected.Env[name], env, err)...)
	}
	for _, name := range slices.Sorted(maps.Keys(expected.Files)) {
		files, err := in.files(name)
		found = append(found, in.compare("VOL-12", name, "file", "content", expected.Files[name], files, err)...)
	}
	for _, name := range slices.Sorted(maps.Keys(expected.NoEnv)) {
		env, err := in.env(name)
		found = append(found, in.compareAbsent("ENV-20", name, "variable", expected.NoEnv[name], env, err)...)
	}
	for _, name := range slices.Sorted(maps.Keys(expected.NoFiles)) {
		files, err := in.files(name)
		found = append(found, in.compareAbsent("VOL-12", name, "file", expected.NoFiles[name], files, err)...)
	}
	return found
}

// compareAbsent reports the variables or files of a container that must not exist.
func (in containers) compareAbsent(rule, container, what string, absent []string, seen map[string]string, err error) []Difference {
	if err != nil {
		return []Difference{in.cannotStart(container, err)}
	}
	var found []Difference
	for _, name := range absent {
		if _, exists := seen[name]; exists {
			found = append(found, differencef(rule, "%s has a %s %s%s", in.subject(container), what, name, in.suffix))
		}
	}
	return found
}

// compare compares the expected variables or files of a container; what and content are the
// words for them. Of what hidden holds, and what should hold it, only the length and a hash
// are told.
func (in containers) compare(rule, container, what, content string, expected, seen map[string]string, err error) []Difference {
	if err != nil {
		return []Difference{in.cannotStart(container, err)}
	}
	var found []Difference
	subject := in.subject(container)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		switch value, exists := seen[name]; {
		case !exists:
			found = append(found, differencef(rule, "%s has no %s %s%s", subject, what, name, in.suffix))
		case value != expected[name] && (in.hidden.holds(value) || in.hidden.holds(expected[name])):
			found = append(found, differencef(rule, "%s has %s %s with another %s of a Secret (%s) than expected (%s)%s",
				subject, what, name, content, fingerprint(value), fingerprint(expected[name]), in.suffix))
		case value != expected[name]:
			found = append(found, differencef(rule, "%s%s", shorten(fmt.Sprintf("%s has %s %s with %s %q, expected %q", subject, what, name, content, value, expected[name])), in.suffix))
		}
	}
	return found
}

func (in containers) cannotStart(container string, err error) Difference {
	return differencef("CREATE-18", "%s cannot start: %v", in.subject(container), err)
}
