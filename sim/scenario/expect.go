package scenario

import (
	"path"
	"reflect"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

func (r *reader) expectation(pod *corev1.Pod, key string, e PodExpectation, at ...string) {
	r.phases(key, e, append(at, "phases")...)
	if e.Refused != "" && (!slices.Equal(e.Phases, []corev1.PodPhase{corev1.PodPending, corev1.PodFailed}) ||
		len(e.Containers)+len(e.InitContainers)+len(e.Env)+len(e.Files)+len(e.Logs)+len(e.RemotePod) > 0) {
		r.wrong(append(at, "refused"), "a pod that is refused shows [Pending, Failed] and has nothing remotely")
	}
	if r.file.Until.Duration == 0 && !r.ends(key, e) {
		r.wrong(append(at, "phases"), "pod %s does not end and no step deletes it: say until when it is watched (until: 1m)", key)
	}
	for name, c := range e.Containers {
		r.container(pod, name, pod.Spec.Containers, slices.Concat(at, []string{"containers", name})...)
		r.state(c, slices.Concat(at, []string{"containers", name})...)
	}
	shown := slices.DeleteFunc(slices.Clone(pod.Spec.InitContainers), func(c corev1.Container) bool {
		return ptr.Deref(c.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways // a native sidecar
	})
	for name, c := range e.InitContainers {
		r.container(pod, name, shown, slices.Concat(at, []string{"initContainers", name})...)
		r.state(c, slices.Concat(at, []string{"initContainers", name})...)
	}
	for name := range e.Env {
		r.container(pod, name, all(pod), slices.Concat(at, []string{"env", name})...)
	}
	for name, files := range e.Files {
		r.container(pod, name, all(pod), slices.Concat(at, []string{"files", name})...)
		for file := range files {
			if !path.IsAbs(file) || path.Clean(file) != file {
				r.wrong(slices.Concat(at, []string{"files", name, file}), "%q must be an absolute path", file)
			}
		}
	}
	for i, log := range e.Logs {
		if here := slices.Concat(at, []string{"logs", strconv.Itoa(i)}); log.Container != "" {
			r.container(pod, log.Container, all(pod), append(here, "container")...)
		}
		if log.Tail < 0 || log.Bytes < 0 {
			r.wrong(slices.Concat(at, []string{"logs", strconv.Itoa(i)}), "tail and bytes must not be negative")
		}
	}
	if e.RemotePod != nil {
		r.fits(below(r.scenario, append([]string{"spec"}, append(at, "remotePod")...)...), reflect.TypeFor[corev1.Pod](), "remotePod")
	}
}

// ends says whether a pod comes to an end by itself or by a step.
func (r *reader) ends(key string, e PodExpectation) bool {
	if len(e.Phases) == 0 {
		return true // which is wrong for itself
	}
	last := e.Phases[len(e.Phases)-1]
	return last == corev1.PodSucceeded || last == corev1.PodFailed ||
		slices.ContainsFunc(r.file.Steps, func(s Step) bool { return s.Delete == key || s.LoseDelete == key })
}

// forgotten says whether the virtual kubelet creates a pod again that may have
// run already, and shows it as Pending once more.
func (r *reader) forgotten(key string) bool {
	return slices.ContainsFunc(r.file.Steps, func(s Step) bool {
		return s.RestartVirtualKubelet != nil && slices.Contains(s.RestartVirtualKubelet.Forget, key)
	})
}

// order of the phases: a pod never goes back.
var order = map[corev1.PodPhase]int{corev1.PodPending: 1, corev1.PodRunning: 2, corev1.PodSucceeded: 3, corev1.PodFailed: 3}

func (r *reader) phases(key string, e PodExpectation, at ...string) {
	if len(e.Phases) == 0 || e.Phases[0] != corev1.PodPending {
		r.wrong(at, "phases must begin with Pending")
	}
	for i, phase := range e.Phases {
		switch {
		case order[phase] == 0:
			r.wrong(at, "%q is no phase of: Pending, Running, Succeeded, Failed", phase)
		case phase == corev1.PodPending && i > 0 && e.Phases[i-1] == corev1.PodRunning && r.forgotten(key):
		case i > 0 && order[phase] <= order[e.Phases[i-1]]:
			r.wrong(at, "%s does not come after %s", phase, e.Phases[i-1])
		}
	}
}

func (r *reader) state(e ContainerExpectation, at ...string) {
	switch e.State {
	case "", "waiting", "running", "terminated":
	default:
		r.wrong(append(at, "state"), "%q is no state of: waiting, running, terminated", e.State)
	}
	if e.ExitCode != nil && e.State != "" && e.State != "terminated" {
		r.wrong(append(at, "exitCode"), "only a terminated container has an exit code; that of its last run is lastExitCode")
	}
	for _, count := range []*int32{e.ExitCode, e.RestartCount, e.LastExitCode} {
		if ptr.Deref(count, 0) < 0 {
			r.wrong(at, "%d must not be negative", *count)
		}
	}
}

// below returns the value at a path that is there.
func below(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				n = n.Content[i+1]
				break
			}
		}
	}
	return n
}
