package judge

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// RunningNotRequired reports whether the local cluster did not show an expected phase
// Running because the pod ended before any poll of its status could show that it ran.
func RunningNotRequired(expected scenario.PodExpectation, seen *Pod) bool {
	n := len(expected.Phases)
	if !seen.RanBetweenPolls || n == 0 || expected.Phases[n-1] == corev1.PodRunning {
		return false // a pod that stays Running runs at a later poll
	}
	rest := slices.DeleteFunc(slices.Clone(expected.Phases), func(phase corev1.PodPhase) bool { return phase == corev1.PodRunning })
	return len(rest) < n && slices.Equal(seen.Phases, slices.Compact(rest))
}

// StatusDifferences compares the phases and container states that the local cluster
// showed with the expected ones.
func StatusDifferences(key string, expected scenario.PodExpectation, seen *Pod) []Difference {
	var found []Difference
	if !expected.AllowsPhases(seen.Phases) && !RunningNotRequired(expected, seen) {
		rule := "STATUS-37"
		if seen.Refusal != nil {
			rule = "CREATE-4"
		}
		d := differencef(rule, "pod %s showed the phases %s%s; expected were %s", key, listed(seen.Phases), lastReason(seen.Status), listed(expected.Phases))
		d.phases = true
		found = append(found, d)
	}
	for _, list := range []struct {
		kind     string
		expected map[string]scenario.ContainerExpectation
		seen     []corev1.ContainerStatus
	}{
		{"init container", expected.InitContainers, seen.Status.InitContainerStatuses},
		{"container", expected.Containers, seen.Status.ContainerStatuses},
	} {
		for _, name := range slices.Sorted(maps.Keys(list.expected)) {
			subject := fmt.Sprintf("%s %s of pod %s", list.kind, name, key)
			at := slices.IndexFunc(list.seen, func(c corev1.ContainerStatus) bool { return c.Name == name })
			if at < 0 {
				found = append(found, differencef("STATUS-30", "%s is not shown", subject))
				continue
			}
			container := list.seen[at]
			if container.LastTerminationState.Terminated == nil {
				container.LastTerminationState.Terminated = seen.previousRuns[name]
			}
			found = append(found, compareContainer(subject, list.expected[name], container)...)
		}
	}
	return found
}

// listed returns phases as text.
func listed(phases []corev1.PodPhase) string {
	var names []string
	for _, phase := range phases {
		names = append(names, string(phase))
	}
	return strings.Join(names, ", ")
}

// lastReason returns why a pod has its last phase, if its status says more than the phase
// itself.
func lastReason(status corev1.PodStatus) string {
	if status.Message == "" && (status.Reason == string(status.Phase) || status.Reason == "Completed") {
		return ""
	}
	return inParentheses(status.Reason, status.Message)
}

// unknownContainers returns the shown containers that the user's pod does not have,
// such as those that a plugin added to the remote pod.
func unknownContainers(key string, pod *corev1.Pod, shown corev1.PodStatus) []Difference {
	if pod == nil {
		return nil
	}
	var found []Difference
	for _, list := range []struct {
		kind     string
		shown    []corev1.ContainerStatus
		manifest []corev1.Container
	}{
		{"an init container", shown.InitContainerStatuses, pod.Spec.InitContainers},
		{"a container", shown.ContainerStatuses, pod.Spec.Containers},
	} {
		for _, status := range list.shown {
			if !slices.ContainsFunc(list.manifest, func(c corev1.Container) bool { return c.Name == status.Name }) {
				found = append(found, differencef("STATUS-30", "pod %s shows %s %s, which it does not have", key, list.kind, shorten(status.Name)))
			}
		}
	}
	return found
}

// compareContainer compares the final state of a container with the expected one.
func compareContainer(subject string, expected scenario.ContainerExpectation, seen corev1.ContainerStatus) []Difference {
	state, reason, message := describeState(seen)
	if expected.State != "" && state != expected.State {
		return []Difference{differencef(stateRule(state, expected.State), "%s is %s%s, expected %s", subject, state, inParentheses(reason, message), expected.State)}
	}
	var found []Difference
	compare := func(rule, field string, is, want any) {
		if is != want {
			found = append(found, differencef(rule, "%s has %s %v, expected %v", subject, field, is, want))
		}
	}
	rule := "STATUS-25"
	if state == "waiting" {
		rule = "STATUS-22"
	}
	if expected.Reason != "" && !slices.Contains(strings.Split(expected.Reason, "|"), reason) {
		compare(rule, "reason", reason, expected.Reason)
	}
	if !strings.Contains(message, expected.Message) {
		found = append(found, differencef(rule, "%s has message %q, expected a message that contains %q", subject, shorten(html.UnescapeString(message)), expected.Message))
	}
	if code := expected.ExitCode; code != nil {
		if seen.State.Terminated == nil {
			found = append(found, differencef(stateRule(state, "terminated"), "%s is %s and has no exit code, expected %d", subject, state, *code))
		} else {
			compare("STATUS-18", "exit code", seen.State.Terminated.ExitCode, *code)
		}
	}
	if expected.RestartCount != nil {
		compare("STATUS-25", "restart count", seen.RestartCount, *expected.RestartCount)
	}
	if code := expected.LastExitCode; code != nil {
		if previous := seen.LastTerminationState.Terminated; previous == nil {
			found = append(found, differencef("STATUS-31", "%s shows no previous run, expected one with exit code %d", subject, *code))
		} else {
			compare("STATUS-31", "exit code of the previous run", previous.ExitCode, *code)
		}
	}
	return found
}

// stateRule is the rule of a container that has another state than expected.
func stateRule(state, expected string) string {
	switch {
	case state == "terminated":
		return "STATUS-31" // terminated is reported only when it is final
	case expected == "terminated":
		return "STATUS-32"
	}
	return "STATUS-37"
}

func describeState(c corev1.ContainerStatus) (state, reason, message string) {
	switch s := c.State; {
	case s.Terminated != nil:
		return "terminated", s.Terminated.Reason, s.Terminated.Message
	case s.Running != nil:
		return "running", "", ""
	case s.Waiting != nil:
		return "waiting", s.Waiting.Reason, s.Waiting.Message
	}
	return "waiting", "", "" // the default of the Kubernetes API
}

// inParentheses returns a reason and a message as the end of a sentence.
func inParentheses(reason, message string) string {
	text := shorten(strings.Trim(reason+": "+html.UnescapeString(message), ": ")) // InterLink escapes texts of answers
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}
