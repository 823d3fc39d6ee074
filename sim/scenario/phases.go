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
		e.OtherPhases, e.MayRefuse = nil, false
		own.Expect.Pods[key] = e
	}
	return own
}

// WithoutPods returns the scenario without what it expects of these pods, and of the number of
// remote objects.
func (f *File) WithoutPods(keys []string) *File {
	rest := &File{
		Name: f.Name, Path: f.Path, Scenario: f.Scenario, Pods: f.Pods, ConfigMaps: f.ConfigMaps, Secrets: f.Secrets, Claims: f.Claims,
		leftKinds: f.leftKinds, notCompared: f.notCompared,
	}
	rest.Expect.Remote = nil
	rest.Expect.Pods = maps.Clone(f.Expect.Pods)
	maps.DeleteFunc(rest.Expect.Pods, func(key string, _ PodExpectation) bool { return slices.Contains(keys, key) })
	return rest
}
