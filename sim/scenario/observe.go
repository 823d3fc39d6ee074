package scenario

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// LevelName is the level with the capabilities that it needs, such as "optional:log-bytes".
func (s *Scenario) LevelName() string {
	if len(s.Capabilities) == 0 {
		return string(s.Level)
	}
	names := make([]string, len(s.Capabilities))
	for i, capability := range s.Capabilities {
		names[i] = string(capability)
	}
	return string(s.Level) + ":" + strings.Join(names, "+")
}

// MustObserve returns the aspects that must be observed for a verdict, in the order of
// Aspects: those that the scenario lists, or else those that follow from what it expects.
func (f *File) MustObserve() []Aspect {
	if f.Observe != nil {
		return f.Observe
	}
	needed := map[Aspect]bool{AspectRun: len(f.MustRun()) > 0}
	for _, e := range f.Expect.Pods {
		needed[AspectEnv] = needed[AspectEnv] || len(e.Env)+len(e.NoEnv) > 0
		needed[AspectFiles] = needed[AspectFiles] || len(e.Files)+len(e.NoFiles) > 0
		needed[AspectRemote] = needed[AspectRemote] || len(e.RemotePod) > 0
	}
	needed[AspectRemote] = needed[AspectRemote] || len(f.Expect.Remote) > 0
	for _, step := range f.Steps {
		restart := step.RestartVirtualKubelet
		needed[AspectJobs] = needed[AspectJobs] || step.Create != "" || restart != nil && len(restart.Forget) > 0
		needed[AspectLeft] = needed[AspectLeft] || step.Delete+step.DeleteUnreported+step.Recreate != ""
	}
	return slices.DeleteFunc(slices.Clone(Aspects), func(a Aspect) bool { return !needed[a] })
}

// MustRun returns, by pod, the containers that are expected to run or to have run.
func (f *File) MustRun() map[string][]string {
	containers := map[string][]string{}
	for key, e := range f.Expect.Pods {
		if pod := f.Pod(key); pod != nil && e.Refused == "" {
			if names := f.mustRun(pod, e, f.Nodes[key]); len(names) > 0 {
				containers[key] = names
			}
		}
	}
	return containers
}

func (f *File) mustRun(pod *corev1.Pod, e PodExpectation, nodes Pod) []string {
	if nodes.Unschedulable != "" && nodes.Schedule.Duration == 0 {
		return nil
	}
	runs := slices.Contains(e.Phases, corev1.PodRunning) || slices.Contains(e.Phases, corev1.PodSucceeded)
	var names []string
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if podspec.IsSidecar(c) { // the local pod shows no state of it
			if runs && !staysLocal(pod, c.Name) && !cannotStart(nodes.Containers[c.Name]) {
				names = append(names, c.Name)
			}
			continue
		}
		if !staysLocal(pod, c.Name) && (saysThatItRan(e.InitContainers[c.Name], nodes.Containers[c.Name]) || e.writes(c.Name)) {
			names = append(names, c.Name)
		}
		if codes := nodes.Containers[c.Name].ExitCodes; !runs && len(codes) > 0 && codes[len(codes)-1] != 0 {
			return names // it fails, so nothing after it runs
		}
	}
	before := len(names)
	for i := range pod.Spec.Containers {
		name := pod.Spec.Containers[i].Name
		behavior := nodes.Containers[name]
		if !staysLocal(pod, name) && saysThatItRan(e.Containers[name], behavior) {
			names = append(names, name)
		}
	}
	if len(names) > before || !runs {
		return names
	}
	for i := range pod.Spec.Containers { // it runs, and no listed state says which container does
		if name := pod.Spec.Containers[i].Name; !cannotStart(nodes.Containers[name]) && !staysLocal(pod, name) {
			names = append(names, name)
		}
	}
	return names
}

// SentTwice returns the pods whose creates are sent more than once; all pods if the scenario
// does not say which.
func (f *File) SentTwice() []string {
	var keys []string
	for _, step := range f.Steps {
		if step.Create != "" {
			keys = append(keys, step.Create)
		}
		if step.RestartVirtualKubelet != nil {
			keys = append(keys, step.RestartVirtualKubelet.Forget...)
		}
	}
	if len(keys) == 0 {
		keys = slices.Collect(maps.Keys(f.Expect.Pods))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// MayRunAgain reports whether a container may run more than once: unless its restart policy
// says no, for every exit code that it has.
func (f *File) MayRunAgain(key, container string) bool {
	if slices.ContainsFunc(f.Steps, func(s Step) bool { return s.Recreate == key }) {
		return true // in the second pod
	}
	codes := f.Nodes[key].Containers[container].ExitCodes
	if len(codes) == 0 {
		codes = []int32{0}
	}
	pod := f.Pod(key)
	return pod == nil || pod.Spec.RestartPolicy == "" || slices.ContainsFunc(codes, func(code int32) bool { return podspec.MayRestart(pod, container, code) })
}

// saysThatItRan reports whether an expected state is that of a container that runs or ran.
func saysThatItRan(e ContainerExpectation, behavior Container) bool {
	return !cannotStart(behavior) && (e.State == "running" || e.State == "terminated" || e.ExitCode != nil)
}

// writes reports whether lines of a container's log are expected.
func (e *PodExpectation) writes(container string) bool {
	return slices.ContainsFunc(e.Logs, func(log LogExpectation) bool { return log.Container == container && len(log.Lines) > 0 })
}

func cannotStart(behavior Container) bool {
	return behavior.ImagePullError != "" || behavior.CreateError != ""
}

// staysLocal reports whether InterLink does not send a container of a pod (docs/contract.md,
// CREATE-13).
func staysLocal(pod *corev1.Pod, name string) bool {
	if pod == nil {
		return false
	}
	for _, key := range []string{"interlink.eu/disable-offload-containers", "interlink.eu/disable-offload-init-containers"} {
		for local := range strings.SplitSeq(pod.Annotations[key], ",") {
			if strings.TrimSpace(local) == name {
				return true
			}
		}
	}
	return false
}
