package scenario

import (
	"fmt"
	"maps"
	"slices"
)

// NotCompared returns the parts of the expectation that Portable has removed, each with the
// level or the capability that it needs: "remote.Secret (level this-plugin)". It does not list
// the texts and codes that only this plugin chooses.
func (f *File) NotCompared() []string { return f.notCompared }

// partsWithout returns the parts that the scenario expects, and that a plugin with these
// capabilities need not fulfill.
func (f *File) partsWithout(capabilities []Capability) []string {
	expected := map[string]bool{}
	for kind := range f.Expect.Remote {
		expected["remote."+kind] = true
	}
	for _, e := range f.Expect.Pods {
		expected["remotePod"] = expected["remotePod"] || len(e.RemotePod) > 0
		expected["initContainers"] = expected["initContainers"] || len(e.InitContainers) > 0
		for _, states := range []map[string]ContainerExpectation{e.InitContainers, e.Containers} {
			for _, c := range states {
				expected["reason"] = expected["reason"] || c.Reason != ""
				expected["message"] = expected["message"] || c.Message != ""
				expected["restartCount"] = expected["restartCount"] || c.RestartCount != nil
				expected["lastExitCode"] = expected["lastExitCode"] || c.LastExitCode != nil
			}
		}
		for _, log := range e.Logs {
			for name, is := range map[string]bool{
				"logs.tail": log.Tail > 0, "logs.bytes": log.Bytes > 0, "logs.sinceSeconds": log.SinceSeconds > 0, "logs.timestamps": log.Timestamps,
				"logs.previous": log.Previous, "logs.follow": log.Follow, "logs without container": log.Container == "",
			} {
				expected[name] = expected[name] || is
			}
		}
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		if why := whyNotExpected(name, f.Level, capabilities); expected[name] && why != "" {
			found = append(found, fmt.Sprintf("%s (%s)", name, why))
		}
	}
	return found
}
