package play

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// observation is all that was seen of a scenario.
type observation struct {
	pods map[string]*podSeen
	// created and left are what stood remotely then; nil if it was not looked at.
	created, left *inspect.Snapshot
	// remotePods are the remote pods' by key, of created.
	remotePods map[string]*corev1.Pod
	// troubles are what must happen in no scenario.
	troubles []string
}

// podSeen is what was seen of a pod.
type podSeen struct {
	refusal *virtualkubelet.Refusal
	unsent  error
	phases  []corev1.PodPhase
	status  corev1.PodStatus
	last    map[string]*corev1.ContainerStateTerminated // by container, the run before, as it was last shown
	logs    []*answer
}

// note keeps what a kubelet forgets after a while: while a container runs, how the
// run before ended. (Of one that waits, the end shown may be that of its last run.)
func (s *podSeen) note(status corev1.PodStatus) {
	for _, c := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses) {
		if end := c.LastTerminationState.Terminated; end != nil && c.State.Running != nil {
			s.last[c.Name] = end
		}
	}
}

func newObservation(file *scenario.File) observation {
	o := observation{pods: map[string]*podSeen{}, remotePods: map[string]*corev1.Pod{}}
	for i := range file.Pods {
		o.pods[file.Key(file.Pods[i].Namespace, file.Pods[i].Name)] = &podSeen{last: map[string]*corev1.ContainerStateTerminated{}}
	}
	return o
}

// collect waits for the logs that were followed.
func (o *observation) collect(ctx context.Context) {
	for _, pod := range o.pods {
		for _, log := range pod.logs {
			select {
			case <-log.done:
			case <-ctx.Done():
				return
			}
		}
	}
}

// judge compares what was seen with what is expected. The differences are
// sentences; what explains others comes first.
func judge(file *scenario.File, seen *observation) []string {
	var found []string
	keys := slices.Sorted(maps.Keys(file.Expect.Pods))
	for _, key := range keys {
		found = append(found, judgeCreate(key, file.Expect.Pods[key], seen.pods[key])...)
	}
	found = append(found, seen.troubles...)
	for _, key := range keys {
		found = append(found, judgeLocal(key, file.Expect.Pods[key], seen.pods[key])...)
		found = append(found, judgeShown(key, file.Pod(key), seen.pods[key])...)
	}
	if seen.created != nil {
		found = append(found, judgeCounts("while its pods are there", file.Expect.Remote, seen.created)...)
		for _, key := range keys {
			found = append(found, judgeRemote(key, file.Expect.Pods[key], seen)...)
		}
	}
	for _, key := range keys {
		found = append(found, judgeLogs(key, file.Expect.Pods[key], seen.pods[key])...)
	}
	return append(found, judgeLeft(file, seen)...)
}

// unplayable is what can be said of a scenario that was not played to its end.
func unplayable(file *scenario.File, seen *observation) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(file.Expect.Pods)) {
		if seen.pods[key].refusal != nil {
			found = append(found, judgeCreate(key, file.Expect.Pods[key], seen.pods[key])...)
		}
	}
	return append(found, seen.troubles...)
}

func judgeCreate(key string, expected scenario.PodExpectation, seen *podSeen) []string {
	switch {
	case expected.Refused == "" && seen.refusal != nil:
		return []string{fmt.Sprintf("pod %s was refused: %v", key, seen.refusal)}
	case expected.Refused == "":
		if seen.unsent != nil && len(expected.Phases) > 1 { // it stays Pending
			return []string{fmt.Sprintf("pod %s: %v", key, seen.unsent)}
		}
	case seen.refusal == nil:
		return []string{fmt.Sprintf("pod %s was not refused, with words of %q", key, expected.Refused)}
	case seen.refusal.Status == 0:
		return []string{fmt.Sprintf("pod %s was to be refused with words of %q: %v", key, expected.Refused, seen.refusal)}
	case !strings.Contains(html.UnescapeString(seen.status.Message), expected.Refused):
		return []string{fmt.Sprintf("pod %s was refused without the words %q: %v", key, expected.Refused, seen.refusal)}
	}
	return nil
}

func judgeLocal(key string, expected scenario.PodExpectation, seen *podSeen) []string {
	var found []string
	if !slices.Equal(seen.phases, expected.Phases) {
		found = append(found, fmt.Sprintf("pod %s showed the phases %v, not %v%s", key, seen.phases, expected.Phases, why(seen.status)))
	}
	for _, list := range []struct {
		what     string
		expected map[string]scenario.ContainerExpectation
		seen     []corev1.ContainerStatus
	}{
		{"init container", expected.InitContainers, seen.status.InitContainerStatuses},
		{"container", expected.Containers, seen.status.ContainerStatuses},
	} {
		for _, name := range slices.Sorted(maps.Keys(list.expected)) {
			what := fmt.Sprintf("%s %s of pod %s", list.what, name, key)
			at := slices.IndexFunc(list.seen, func(c corev1.ContainerStatus) bool { return c.Name == name })
			if at < 0 {
				found = append(found, what+" is not shown")
				continue
			}
			container := list.seen[at]
			if container.LastTerminationState.Terminated == nil {
				container.LastTerminationState.Terminated = seen.last[name]
			}
			found = append(found, judgeContainer(what, list.expected[name], container)...)
		}
	}
	return found
}

// judgeShown looks for containers that the user does not know: what a plugin has put
// into the remote pod is its own affair.
func judgeShown(key string, pod *corev1.Pod, seen *podSeen) []string {
	if pod == nil {
		return nil
	}
	var found []string
	strange := func(what string, shown []corev1.ContainerStatus, has []corev1.Container) {
		for _, status := range shown {
			if !slices.ContainsFunc(has, func(c corev1.Container) bool { return c.Name == status.Name }) {
				found = append(found, fmt.Sprintf("pod %s shows %s %s, which it does not have", key, what, cut(status.Name)))
			}
		}
	}
	strange("an init container", seen.status.InitContainerStatuses, pod.Spec.InitContainers)
	strange("a container", seen.status.ContainerStatuses, pod.Spec.Containers)
	return found
}

// why is what the local cluster says beside the phase.
func why(status corev1.PodStatus) string {
	words := strings.Trim(status.Reason+": "+status.Message, ": ")
	if words == "" {
		return ""
	}
	return " (" + words + ")"
}

func judgeContainer(what string, expected scenario.ContainerExpectation, seen corev1.ContainerStatus) []string {
	var found []string
	differ := func(field string, is, not any) {
		if is != not {
			found = append(found, fmt.Sprintf("%s has %s %v, not %v", what, field, is, not))
		}
	}
	state, reason, message := stateOf(seen)
	if expected.State != "" && state != expected.State {
		return []string{fmt.Sprintf("%s is %s%s, not %s", what, state, why(corev1.PodStatus{Reason: reason, Message: message}), expected.State)}
	}
	if expected.Reason != "" && !slices.Contains(strings.Split(expected.Reason, "|"), reason) {
		differ("reason", reason, expected.Reason)
	}
	if !strings.Contains(message, expected.Message) {
		found = append(found, fmt.Sprintf("%s has message %q, without the words %q", what, message, expected.Message))
	}
	if code := expected.ExitCode; code != nil {
		if seen.State.Terminated == nil {
			found = append(found, fmt.Sprintf("%s is %s and has no exit code, not %d", what, state, *code))
		} else {
			differ("exit code", seen.State.Terminated.ExitCode, *code)
		}
	}
	if expected.RestartCount != nil {
		differ("restart count", seen.RestartCount, *expected.RestartCount)
	}
	if code := expected.LastExitCode; code != nil {
		if last := seen.LastTerminationState.Terminated; last == nil {
			found = append(found, fmt.Sprintf("%s shows no run before the last, with exit code %d", what, *code))
		} else {
			differ("exit code of the run before the last", last.ExitCode, *code)
		}
	}
	return found
}

func stateOf(c corev1.ContainerStatus) (state, reason, message string) {
	switch s := c.State; {
	case s.Terminated != nil:
		return "terminated", s.Terminated.Reason, s.Terminated.Message
	case s.Running != nil:
		return "running", "", ""
	case s.Waiting != nil:
		return "waiting", s.Waiting.Reason, s.Waiting.Message
	}
	return "waiting", "", "" // as Kubernetes reads a state that is not said
}

func judgeLogs(key string, expected scenario.PodExpectation, seen *podSeen) []string {
	var found []string
	for i, log := range expected.Logs {
		what := fmt.Sprintf("log %d of pod %s (%s)", i+1, key, request(log))
		if i >= len(seen.logs) {
			found = append(found, what+" was never asked for")
			continue
		}
		got, err := lines(seen.logs[i].text, log.Timestamps)
		if err = cmp.Or(seen.logs[i].err, err); err != nil {
			found = append(found, fmt.Sprintf("%s: %v", what, err))
		} else if !slices.Equal(got, log.Lines) {
			found = append(found, fmt.Sprintf("%s is %s, not %s", what, quote(got), quote(log.Lines)))
		}
	}
	return found
}

// request is a request for a log, as a user says it.
func request(log scenario.LogExpectation) string {
	words := []string{cmp.Or(log.Container, "no container named")}
	for _, option := range []struct {
		said bool
		word string
	}{
		{log.Tail > 0, fmt.Sprintf("tail %d", log.Tail)}, {log.Bytes > 0, fmt.Sprintf("%d bytes", log.Bytes)},
		{log.Timestamps, "timestamps"}, {log.Previous, "previous"}, {log.Follow, "followed"},
	} {
		if option.said {
			words = append(words, option.word)
		}
	}
	return strings.Join(words, ", ")
}

func quote(lines []string) string { return cut(fmt.Sprintf("%q", lines)) }

// cut keeps a sentence readable, whatever a plugin has answered.
func cut(text string) string {
	const limit = 300
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}
