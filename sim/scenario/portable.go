package scenario

import (
	"maps"
	"slices"
)

// part is a part of an expectation, with the level that it has, and the capability that it
// needs; most need none.
type part struct {
	level      Level
	capability Capability
}

// parts are the parts of an expectation that not every plugin can fulfill. What is not listed
// (phases, states and exit codes of containers, variables, files, lines of logs) is core.
// The names are those of fields; the kinds of remote objects have their own rows.
var parts = map[string]part{
	"restartCount":   {LevelOptional, CapabilityRestarts},
	"lastExitCode":   {LevelOptional, CapabilityRestarts},
	"initContainers": {LevelOptional, CapabilityInitStatus},
	"logs.bytes":     {LevelOptional, CapabilityBytes},
	// A reason such as ImagePullBackOff, and the text that a container leaves behind, are
	// Kubernetes' own.
	"reason":                       {level: LevelKubernetes},
	"message":                      {level: LevelKubernetes},
	"logs.timestamps":              {LevelOptional, CapabilityTimestamps},
	"logs.previous":                {LevelOptional, CapabilityPreviousLogs},
	"logs.follow":                  {LevelOptional, CapabilityFollow},
	"remotePod":                    {level: LevelKubernetes},
	"remote.Pod":                   {level: LevelKubernetes},
	"remote.PersistentVolumeClaim": {level: LevelThisPlugin},
	"remote.ConfigMap":             {level: LevelThisPlugin},
	"remote.Secret":                {level: LevelThisPlugin},
	"remote.Service":               {level: LevelThisPlugin},
	"remote.Release":               {level: LevelThisPlugin},
	"left.Pod":                     {level: LevelCore},
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
	if f.leftKinds == nil {
		return CountedKinds
	}
	return f.leftKinds
}

// Portable returns the scenario as any plugin can be judged by it: without the parts of the
// expectation that are of a higher level than the scenario, or that need a capability that is
// not among the given ones.
func (f *File) Portable(capabilities []Capability) *File {
	has := func(name string) bool {
		p, listed := parts[name]
		return !listed || slices.Index(Levels, p.level) <= slices.Index(Levels, f.Level) &&
			(p.capability == "" || slices.Contains(capabilities, p.capability))
	}
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
		portable.Expect.Pods[key] = e.portable(has)
	}
	return portable
}

// portable returns an expectation without the parts that has denies.
func (e PodExpectation) portable(has func(part string) bool) PodExpectation {
	containers := func(all map[string]ContainerExpectation) map[string]ContainerExpectation {
		kept := maps.Clone(all)
		for name, c := range kept {
			if !has("reason") {
				c.Reason = ""
			}
			if !has("message") {
				c.Message = ""
			}
			if !has("restartCount") {
				c.RestartCount = nil
			}
			if !has("lastExitCode") {
				c.LastExitCode = nil
			}
			kept[name] = c
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
		return log.Bytes > 0 && !has("logs.bytes") || log.Timestamps && !has("logs.timestamps") ||
			log.Previous && !has("logs.previous") || log.Follow && !has("logs.follow")
	})
	return e
}
