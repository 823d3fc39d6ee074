package judge

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// explained returns the differences of a pod's status. If they come from a fault that the
// contract knows, the first one says so, and the others follow from it.
func explained(key string, pod *corev1.Pod, expected scenario.PodExpectation, seen *Pod, found []Difference) []Difference {
	if len(found) == 0 || pod == nil || seen.Refusal != nil || len(expected.Phases) == 0 {
		return found
	}
	rule, text := knownFault(pod, expected, seen)
	if rule == "" {
		return foldPhases(found, expected.Phases, seen.Phases)
	}
	cause := differencef(rule, "pod %s %s", key, text)
	for _, d := range found {
		cause.FollowOns = append(cause.FollowOns, d.String())
	}
	return []Difference{cause}
}

// knownFault returns the rule and the end of a sentence of the fault that the last status
// shows; both are empty if it shows none.
func knownFault(pod *corev1.Pod, expected scenario.PodExpectation, seen *Pod) (rule, text string) {
	phase, last := seen.Status.Phase, expected.Phases[len(expected.Phases)-1]
	switch phase {
	case corev1.PodSucceeded:
		if all, ended := containerNames(seen.Status.ContainerStatuses, nil), containerNames(seen.Status.ContainerStatuses, hasEnded); len(ended) == 0 {
			return "STATUS-12", "is Succeeded at once, and no container has ended: the plugin answered with an empty list of containers"
		} else if missing := mustEnd(expected, all, ended); len(missing) > 0 {
			return "STATUS-13", fmt.Sprintf("is Succeeded too early, before container %s has ended: the plugin left it out of its answer", strings.Join(missing, " and "))
		}
	case corev1.PodPending:
		if last == corev1.PodPending {
			return "", ""
		}
		if sidecar := runningSidecar(pod, seen.Status.InitContainerStatuses); sidecar != "" {
			return "STATUS-20", fmt.Sprintf("stays Pending for ever: the plugin listed the native sidecar %s, which runs, among the init containers", sidecar)
		}
		failed := containerNames(seen.Status.InitContainerStatuses, hasFailed)
		waiting := containerNames(seen.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return !hasEnded(c) })
		if len(failed) > 0 && len(waiting) > 0 && last == corev1.PodFailed {
			return "STATUS-17", fmt.Sprintf("stays Pending for ever: init container %s has failed, and the plugin reported container %s as waiting, not as terminated",
				failed[0], strings.Join(waiting, " and "))
		}
	}
	if isEnd(phase) && phase != last && mayRunAgain(pod, phase) {
		return "STATUS-21", fmt.Sprintf("is %s for good, although its restart policy %s lets its containers run again", phase, restartPolicy(pod))
	}
	return "", ""
}

func isEnd(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

func restartPolicy(pod *corev1.Pod) corev1.RestartPolicy {
	if pod.Spec.RestartPolicy == "" {
		return corev1.RestartPolicyAlways
	}
	return pod.Spec.RestartPolicy
}

// mayRunAgain reports whether the restart policy lets containers run again that ended in
// such a way that the pod has this phase.
func mayRunAgain(pod *corev1.Pod, phase corev1.PodPhase) bool {
	policy := restartPolicy(pod)
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && phase == corev1.PodFailed
}

// mustEnd returns the shown containers that must end before the pod succeeds, and have not.
func mustEnd(expected scenario.PodExpectation, all, ended []string) []string {
	return slices.DeleteFunc(all, func(name string) bool {
		return expected.Containers[name].State != "terminated" || slices.Contains(ended, name)
	})
}

// runningSidecar returns the name of a native sidecar that is shown as a running init
// container.
func runningSidecar(pod *corev1.Pod, shown []corev1.ContainerStatus) string {
	for _, status := range shown {
		if status.State.Running != nil && slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			return c.Name == status.Name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		}) {
			return status.Name
		}
	}
	return ""
}

// containerNames returns the names of the containers that are wanted; nil wants all.
func containerNames(shown []corev1.ContainerStatus, wanted func(corev1.ContainerStatus) bool) []string {
	var names []string
	for _, status := range shown {
		if wanted == nil || wanted(status) {
			names = append(names, status.Name)
		}
	}
	return names
}

func hasEnded(c corev1.ContainerStatus) bool { return c.State.Terminated != nil }

func hasFailed(c corev1.ContainerStatus) bool { return hasEnded(c) && c.State.Terminated.ExitCode != 0 }
