package scenario

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// AllowsPhases reports whether a pod may show these phases.
func (e *PodExpectation) AllowsPhases(shown []corev1.PodPhase) bool {
	return slices.Equal(shown, e.Phases) ||
		slices.ContainsFunc(e.OtherPhases, func(other []corev1.PodPhase) bool { return slices.Equal(shown, other) })
}

// ForThisPlugin returns the scenario without what only other plugins may show.
func (f *File) ForThisPlugin() *File {
	own := &File{
		Name: f.Name, Path: f.Path, Scenario: f.Scenario, Pods: f.Pods, ConfigMaps: f.ConfigMaps, Secrets: f.Secrets, Claims: f.Claims,
		leftKinds: f.leftKinds,
	}
	own.Expect.Pods = maps.Clone(f.Expect.Pods)
	for key, e := range own.Expect.Pods {
		e.OtherPhases = nil
		own.Expect.Pods[key] = e
	}
	return own
}
