package judge

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// A wrong end, or none, is explained by the answer that is known to cause it, and everything
// else about the pod's status follows from it.
func TestKnownFaults(t *testing.T) {
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	list := func(states ...corev1.ContainerState) (shown []corev1.ContainerStatus) {
		for i, state := range states {
			shown = append(shown, corev1.ContainerStatus{Name: string(rune('a' + i)), State: state})
		}
		return shown
	}
	const pending, runs, succeeded, failed = corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed
	for _, c := range []struct {
		name           string
		policy         corev1.RestartPolicy
		expected, seen []corev1.PodPhase
		inits, mains   []corev1.ContainerStatus
		rule, text     string // none if the differences stay as they are
	}{
		{"an empty list", "Never", []corev1.PodPhase{pending, runs, succeeded}, []corev1.PodPhase{pending, succeeded}, nil, list(waiting, waiting), "STATUS-12", "Succeeded at once"},
		{"an empty list later", "Never", []corev1.PodPhase{pending, runs, failed}, []corev1.PodPhase{pending, runs, succeeded}, nil, list(running), "STATUS-12", "no container has ended"},
		{"one left out", "Never", []corev1.PodPhase{pending, runs, failed}, []corev1.PodPhase{pending, runs, succeeded}, nil, list(ended(0), running), "STATUS-13", "before container b has ended"},
		{"a wrong code", "Never", []corev1.PodPhase{pending, runs, failed}, []corev1.PodPhase{pending, runs, succeeded}, nil, list(ended(0), ended(0)), "", ""},
		{"a failed init container", "Never", []corev1.PodPhase{pending, failed}, []corev1.PodPhase{pending}, list(ended(1)), list(waiting), "STATUS-17", "stays Pending for ever: init container a has failed"},
		{"a native sidecar", "Never", []corev1.PodPhase{pending, runs, succeeded}, []corev1.PodPhase{pending}, list(ended(0), running), list(waiting), "STATUS-20", "the native sidecar b, which runs,"},
		{"an init container runs too long", "Never", []corev1.PodPhase{pending, runs, succeeded}, []corev1.PodPhase{pending}, list(running), list(waiting), "", ""},
		{"never started", "Never", []corev1.PodPhase{pending, runs, succeeded}, []corev1.PodPhase{pending}, nil, list(waiting), "", ""},
		{"an end that is none", "", []corev1.PodPhase{pending, runs}, []corev1.PodPhase{pending, runs, failed}, nil, list(ended(1)), "STATUS-21", "is Failed for good, although its restart policy Always"},
		{"a failure that is none", "OnFailure", []corev1.PodPhase{pending, runs, succeeded}, []corev1.PodPhase{pending, runs, failed}, nil, list(ended(1)), "STATUS-21", "restart policy OnFailure"},
		{"a success that is none", "OnFailure", []corev1.PodPhase{pending, runs, failed}, []corev1.PodPhase{pending, runs, succeeded}, nil, list(ended(0)), "", ""},
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{
			RestartPolicy:  c.policy,
			InitContainers: []corev1.Container{{Name: "a"}, {Name: "b", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}},
		}}
		expected := scenario.PodExpectation{Phases: c.expected, Containers: map[string]scenario.ContainerExpectation{"b": {State: "terminated"}}}
		seen := &Pod{Phases: c.seen, Status: corev1.PodStatus{Phase: c.seen[len(c.seen)-1], InitContainerStatuses: c.inits, ContainerStatuses: c.mains}}
		found := StatusDifferences("p", expected, seen)
		got := explained("p", pod, expected, seen, found)
		if c.rule == "" {
			if len(got) != len(found) || got[0].Rule != found[0].Rule {
				t.Errorf("%s: %v", c.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Rule != c.rule || !strings.Contains(got[0].Text, c.text) || len(got[0].FollowOns) != len(found) {
			t.Errorf("%s: %v", c.name, got)
		}
		seen.Refusal = &Refusal{Status: 500}
		if got := explained("p", pod, expected, seen, found); len(got) != len(found) {
			t.Errorf("%s, refused: %v", c.name, got)
		}
	}
}
