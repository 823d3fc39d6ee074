package scenario

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// part is a part of an expectation, with the level that it has, and the capability that it
// needs; most need none.
type part struct {
	level      Level
	capability Capability
}

// parts are the parts of an expectation that not every plugin can fulfill. What is not listed
// (phases, states and exit codes of containers, variables, files, lines of logs) is core.
var parts = map[string]part{
	// Exit codes of containers that have not ended by themselves, the text that a plugin finds
	// for a container, and the reason of a pod that waits.
	"exitCode of the plugin": {level: LevelThisPlugin},
	"message of the plugin":  {level: LevelThisPlugin},
	"reason of the plugin":   {level: LevelThisPlugin},
	// Such as ImagePullBackOff, with the words of the registry; or what a container has left
	// in its termination message.
	"reason":         {level: LevelKubernetes},
	"message":        {level: LevelKubernetes},
	"restartCount":   {LevelOptional, CapabilityRestarts},
	"lastExitCode":   {LevelOptional, CapabilityRestarts},
	"initContainers": {LevelOptional, CapabilityInitStatus},

	// kubectl logs sends a tail only if the user asks for it.
	"logs.tail":         {LevelOptional, CapabilityTail},
	"logs.bytes":        {LevelOptional, CapabilityBytes},
	"logs.timestamps":   {LevelOptional, CapabilityTimestamps},
	"logs.previous":     {LevelOptional, CapabilityPreviousLogs},
	"logs.follow":       {LevelOptional, CapabilityFollow},
	"logs.sinceSeconds": {LevelOptional, CapabilitySince},
	// kubectl always names a container.
	"logs without container": {level: LevelKubernetes},

	"remotePod":                    {level: LevelKubernetes},
	"remote.Pod":                   {level: LevelKubernetes},
	"remote.PersistentVolumeClaim": {level: LevelThisPlugin},
	"remote.ConfigMap":             {level: LevelThisPlugin},
	"remote.Secret":                {level: LevelThisPlugin},
	"remote.Service":               {level: LevelThisPlugin},
	"remote.Release":               {level: LevelThisPlugin},
	"left.PersistentVolumeClaim":   {level: LevelKubernetes},
	"left.ConfigMap":               {level: LevelKubernetes},
	"left.Secret":                  {level: LevelKubernetes},
	"left.Service":                 {level: LevelKubernetes},
	"left.Release":                 {level: LevelThisPlugin},
}

// CountedKinds are the kinds of remote objects that a scenario can count.
var CountedKinds = []string{"Pod", "ConfigMap", "Secret", "PersistentVolumeClaim", "Service", "Release"}

// LeftKinds returns the kinds of remote objects that are compared after the pods are deleted.
func (f *File) LeftKinds() []string {
	if !f.IsPortable() {
		return CountedKinds
	}
	return f.leftKinds
}

// IsPortable reports whether Portable has returned the scenario.
func (f *File) IsPortable() bool { return f.leftKinds != nil }

// Portable returns the scenario as any plugin can be judged by it: without the parts of the
// expectation that are of a higher level than the scenario, or that need a capability that is
// not among the given ones.
func (f *File) Portable(capabilities []Capability) *File {
	has := func(name string) bool { return whyNotExpected(name, f.Level, capabilities) == "" }
	portable := &File{
		Name: f.Name, Path: f.Path, Scenario: f.Scenario, Pods: f.Pods, ConfigMaps: f.ConfigMaps, Secrets: f.Secrets, Claims: f.Claims,
		leftKinds: []string{},
	}
	for _, kind := range CountedKinds {
		if has("left." + kind) {
			portable.leftKinds = append(portable.leftKinds, kind)
		}
	}
	portable.Expect.Remote = maps.Clone(f.Expect.Remote)
	maps.DeleteFunc(portable.Expect.Remote, func(kind string, _ int) bool { return !has("remote." + kind) })
	portable.Expect.Pods = map[string]PodExpectation{}
	for key, e := range f.Expect.Pods {
		portable.Expect.Pods[key] = e.portable(f.Pod(key), f.Nodes[key], has)
	}
	portable.notCompared = f.partsWithout(capabilities)
	return portable
}

// whyNotExpected returns what a plugin lacks for a part of an expectation: the level, or a
// capability; "" if the part is expected of it.
func whyNotExpected(name string, level Level, capabilities []Capability) string {
	switch p, listed := parts[name]; {
	case !listed:
		return ""
	case slices.Index(Levels, p.level) > slices.Index(Levels, level):
		return "level " + string(p.level)
	case p.capability != "" && !slices.Contains(capabilities, p.capability):
		return "capability " + string(p.capability)
	}
	return ""
}

// portable returns an expectation without the parts that has denies.
func (e PodExpectation) portable(pod *corev1.Pod, nodes Pod, has func(part string) bool) PodExpectation {
	containers := func(all map[string]ContainerExpectation) map[string]ContainerExpectation {
		kept := maps.Clone(all)
		for name, c := range kept {
			kept[name] = c.portable(nodes.Containers[name], staysLocal(pod, name), has)
		}
		return kept
	}
	e.Containers, e.InitContainers = containers(e.Containers), containers(e.InitContainers)
	if !has("initContainers") {
		e.InitContainers = nil
	}
	if !has("remotePod") {
		e.RemotePod = nil
	}
	e.Logs = slices.DeleteFunc(slices.Clone(e.Logs), func(log LogExpectation) bool {
		return log.Tail > 0 && !has("logs.tail") || log.Bytes > 0 && !has("logs.bytes") || log.Timestamps && !has("logs.timestamps") ||
			log.Previous && !has("logs.previous") || log.Follow && !has("logs.follow") ||
			log.SinceSeconds > 0 && !has("logs.sinceSeconds") || log.Container == "" && !has("logs without container")
	})
	return e
}

// portable returns the expected state of a container without the parts that has denies. What
// the behavior of the container does not explain comes from the plugin.
func (e ContainerExpectation) portable(behavior Container, isLocal bool, has func(part string) bool) ContainerExpectation {
	own := func(name string, isOfContainer bool) bool {
		if isOfContainer {
			return has(name)
		}
		return has(name + " of the plugin")
	}
	fails := slices.ContainsFunc(behavior.ExitCodes, func(code int32) bool { return code != 0 })
	if !own("reason", cannotStart(behavior) || fails) {
		e.Reason = ""
	}
	words := []string{behavior.Message, behavior.ImagePullError, behavior.CreateError}
	if !own("message", slices.ContainsFunc(words, func(text string) bool { return strings.Contains(text, e.Message) })) {
		e.Message = ""
	}
	ends := behavior.ExitCodes
	if len(ends) == 0 {
		ends = []int32{0}
	}
	if e.ExitCode != nil && !own("exitCode", slices.Contains(ends, *e.ExitCode) && !cannotStart(behavior) && !isLocal) {
		e.ExitCode = nil
	}
	if !has("restartCount") {
		e.RestartCount = nil
	}
	if !has("lastExitCode") {
		e.LastExitCode = nil
	}
	return e
}
