package scenario

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// checkExpect checks the expected result.
func (r *reader) checkExpect() {
	expect := r.file.Expect
	if len(expect.Pods) == 0 {
		r.invalid([]string{"expect", "pods"}, "expect.pods has no pod")
	}
	for _, key := range slices.Sorted(maps.Keys(expect.Pods)) {
		if pod := r.checkPodKey(key, "expect", "pods", key); pod != nil {
			r.checkPodExpectation(pod, key, expect.Pods[key], "expect", "pods", key)
		}
	}
	for field, counts := range map[string]map[string]int{"remote": expect.Remote, "left": expect.Left} {
		for kind, count := range counts {
			if !slices.Contains(CountedKinds, kind) || count < 0 {
				r.invalid([]string{"expect", field, kind}, "%s: %d is not possible: the kinds that can be counted are %s", kind, count, strings.Join(slices.Sorted(slices.Values(CountedKinds)), ", "))
			}
		}
	}
}

// checkPath checks the path of a file in a container.
func (r *reader) checkPath(file string, at ...string) {
	if !path.IsAbs(file) || path.Clean(file) != file {
		r.invalid(at, "%q must be an absolute path", file)
	}
}

func (r *reader) checkPodExpectation(pod *corev1.Pod, key string, e PodExpectation, at ...string) {
	r.checkPhases(key, e.Phases, append(at, "phases")...)
	for i, phases := range e.OtherPhases {
		r.checkPhases(key, phases, slices.Concat(at, []string{"otherPhases", strconv.Itoa(i)})...)
	}
	if e.Refused != "" && (!slices.Equal(e.Phases, []corev1.PodPhase{corev1.PodPending, corev1.PodFailed}) ||
		len(e.Containers)+len(e.InitContainers)+len(e.Env)+len(e.NoEnv)+len(e.Files)+len(e.NoFiles)+len(e.Logs)+len(e.RemotePod) > 0) {
		r.invalid(append(at, "refused"), "a refused pod shows [Pending, Failed] and has no remote pod")
	}
	if e.Refused != "" && e.MayRefuse {
		r.invalid(append(at, "mayRefuse"), "a pod with refused must be refused")
	}
	if r.file.Until.Duration == 0 && !r.ends(key, e) {
		r.invalid(append(at, "phases"), "pod %s does not end and no step deletes it: set until (such as until: 1m)", key)
	}
	for name, c := range e.Containers {
		r.checkContainer(pod, name, pod.Spec.Containers, slices.Concat(at, []string{"containers", name})...)
		r.checkContainerExpectation(c, slices.Concat(at, []string{"containers", name})...)
	}
	shown := slices.DeleteFunc(slices.Clone(pod.Spec.InitContainers), func(c corev1.Container) bool { return podspec.IsSidecar(&c) })
	for name, c := range e.InitContainers {
		r.checkContainer(pod, name, shown, slices.Concat(at, []string{"initContainers", name})...)
		r.checkContainerExpectation(c, slices.Concat(at, []string{"initContainers", name})...)
	}
	for name := range e.Env {
		r.checkContainer(pod, name, allContainers(pod), slices.Concat(at, []string{"env", name})...)
	}
	for name := range e.NoEnv {
		r.checkContainer(pod, name, allContainers(pod), slices.Concat(at, []string{"noEnv", name})...)
	}
	for name, files := range e.Files {
		r.checkContainer(pod, name, allContainers(pod), slices.Concat(at, []string{"files", name})...)
		for file := range files {
			r.checkPath(file, slices.Concat(at, []string{"files", name, file})...)
		}
	}
	for name, files := range e.NoFiles {
		r.checkContainer(pod, name, allContainers(pod), slices.Concat(at, []string{"noFiles", name})...)
		for i, file := range files {
			r.checkPath(file, slices.Concat(at, []string{"noFiles", name, strconv.Itoa(i)})...)
		}
	}
	for i, log := range e.Logs {
		here := slices.Concat(at, []string{"logs", strconv.Itoa(i)})
		if log.Container != "" {
			r.checkContainer(pod, log.Container, allContainers(pod), slices.Concat(here, []string{"container"})...)
		}
		if log.Tail < 0 || log.Bytes < 0 || log.SinceSeconds < 0 {
			r.invalid(here, "tail, bytes and sinceSeconds must not be negative")
		}
	}
	if e.RemotePod != nil {
		n := r.scenario
		for _, key := range slices.Concat([]string{"spec"}, at, []string{"remotePod"}) {
			_, n = child(n, key)
		}
		r.decode(n, reflect.ValueOf(new(corev1.Pod)).Elem(), "remotePod")
	}
}

// ends reports whether a pod ends by itself or by a step.
func (r *reader) ends(key string, e PodExpectation) bool {
	if len(e.Phases) == 0 {
		return true // checkPhases reports this
	}
	last := e.Phases[len(e.Phases)-1]
	return last == corev1.PodSucceeded || last == corev1.PodFailed ||
		slices.ContainsFunc(r.file.Steps, func(s Step) bool { return s.Delete == key || s.DeleteUnreported == key })
}

// isForgotten reports whether the virtual kubelet forgets a pod: it then creates the
// pod again, which is Pending once more.
func (r *reader) isForgotten(key string) bool {
	return slices.ContainsFunc(r.file.Steps, func(s Step) bool {
		return s.RestartVirtualKubelet != nil && slices.Contains(s.RestartVirtualKubelet.Forget, key)
	})
}

// phaseOrder is the order in which a pod has its phases.
var phaseOrder = map[corev1.PodPhase]int{corev1.PodPending: 1, corev1.PodRunning: 2, corev1.PodSucceeded: 3, corev1.PodFailed: 3}

func (r *reader) checkPhases(key string, phases []corev1.PodPhase, at ...string) {
	if len(phases) == 0 || phases[0] != corev1.PodPending {
		r.invalid(at, "phases must begin with Pending")
	}
	for i, phase := range phases {
		switch {
		case phaseOrder[phase] == 0:
			r.invalid(at, "%q is none of the phases Pending, Running, Succeeded, Failed", phase)
		case phase == corev1.PodPending && i > 0 && phases[i-1] == corev1.PodRunning && r.isForgotten(key):
		case i > 0 && phaseOrder[phase] <= phaseOrder[phases[i-1]]:
			r.invalid(at, "%s cannot follow %s", phase, phases[i-1])
		}
	}
}

func (r *reader) checkContainerExpectation(e ContainerExpectation, at ...string) {
	switch e.State {
	case "", "waiting", "running", "terminated":
	default:
		r.invalid(append(at, "state"), "%q is none of the states waiting, running, terminated", e.State)
	}
	if e.ExitCode != nil && e.State != "" && e.State != "terminated" {
		r.invalid(append(at, "exitCode"), "only a terminated container has an exit code; for the previous run use lastExitCode")
	}
	for _, count := range []*int32{e.ExitCode, e.RestartCount, e.LastExitCode} {
		if ptr.Deref(count, 0) < 0 {
			r.invalid(at, "%d must not be negative", *count)
		}
	}
}
