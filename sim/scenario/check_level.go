package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkLevel checks which plugins the scenario judges, and what must be observed.
func (r *reader) checkLevel() {
	s := &r.file.Scenario
	if !slices.Contains(Levels, s.Level) {
		r.invalid([]string{"level"}, "%q is none of the levels %s", s.Level, list(Levels))
	}
	checkNames(r, "capabilities", "capability", "capabilities", s.Capabilities, Capabilities)
	checkNames(r, "observe", "aspect", "aspects", s.Observe, Aspects)
	switch {
	case len(s.Capabilities) > 0 && s.Level != LevelOptional:
		r.invalid([]string{"capabilities"}, "capabilities are for the level optional, not %s", s.Level)
	case len(s.Capabilities) == 0 && s.Level == LevelOptional:
		r.invalid([]string{"level"}, "the level optional needs capabilities: those that a plugin must have")
	}
	if s.Observe != nil && len(s.Observe) == 0 {
		r.invalid([]string{"observe"}, "observe is empty: a verdict needs something that was observed")
	}
	if s.Level != LevelThisPlugin {
		r.checkPortable(s)
	}
}

// checkPortable reports what only this plugin can fulfill.
func (r *reader) checkPortable(s *Scenario) {
	only := func(isUsed bool, path ...string) {
		if isUsed {
			r.invalid(path, "%s is for the level this-plugin, not %s", path[len(path)-1], s.Level)
		}
	}
	// A capability can need options of this plugin; another plugin that declares it has it.
	only(len(s.Plugin) > 0 && s.Level != LevelOptional, "plugin")
	only(s.NamespaceTemplate != "", "namespaceTemplate")
	only(len(s.RemoteSetup.Quota) > 0, "remoteSetup", "quota")
	only(len(s.RemoteSetup.RuntimeClasses) > 0, "remoteSetup", "runtimeClasses")
	only(len(s.RemoteSetup.SlowCreates) > 0, "remoteSetup", "slowCreates")
	only(len(s.RemoteSetup.Node) > 0, "remoteSetup", "node")
	only(s.RemoteSetup.MadeBy != "", "remoteSetup", "madeBy")
	only(s.RemoteSetup.MadeFor != "", "remoteSetup", "madeFor")
	for key, pod := range s.Expect.Pods {
		only(pod.Refused != "", "expect", "pods", key, "refused")
	}
}

// checkNames reports names that are unknown or given twice.
func checkNames[T ~string](r *reader, field, one, many string, given, known []T) {
	for i, name := range given {
		switch path := []string{field, strconv.Itoa(i)}; {
		case !slices.Contains(known, name):
			r.invalid(path, "%q is not a known %s; the %s are %s", name, one, many, list(known))
		case slices.Contains(given[:i], name):
			r.invalid(path, "%s is given twice", name)
		}
	}
}

func list[T ~string](names []T) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(names), "[]")), ", ")
}
