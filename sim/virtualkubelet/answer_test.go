package virtualkubelet

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

type list = []corev1.ContainerStatus

func status(name string, state corev1.ContainerState) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: state}
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func terminated(code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "set by the plugin", Signal: 9}}
}

// podOf returns the manifest of a pod with these containers.
func podOf(name string, containers ...string) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name = name
	for _, c := range containers {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: c, Image: "busybox"})
	}
	return pod
}

// The pod has the containers a and b.
func TestAnswerSetsThePhase(t *testing.T) {
	for _, test := range []struct {
		name       string
		init, main list
		want       corev1.PodPhase // "" for a panic
	}{
		{"STATUS-12: no containers: Succeeded at once", nil, nil, corev1.PodSucceeded},
		{"STATUS-13: fewer containers, all exit 0: Succeeded too early", nil, list{status("a", terminated(0))}, corev1.PodSucceeded},
		{"STATUS-14: fewer containers, one not 0: panic", nil, list{status("a", terminated(1))}, ""},
		{"STATUS-15: an injected container, terminated: panic", nil, list{status("a", running()), status("b", running()), status("mesh", terminated(0))}, ""},
		{"an injected container, running", nil, list{status("a", running()), status("b", running()), status("mesh", running())}, corev1.PodRunning},
		{"STATUS-16: init 1 running, init 2 terminated: panic", list{status("i", running()), status("j", terminated(0))}, list{status("a", waiting("")), status("b", waiting(""))}, ""},
		{"init 1 terminated, init 2 running", list{status("i", terminated(0)), status("j", running())}, list{status("a", waiting("")), status("b", waiting(""))}, corev1.PodPending},
		{"STATUS-17: init failed, main waiting: Pending for ever", list{status("i", terminated(1))}, list{status("a", waiting("")), status("b", waiting(""))}, corev1.PodPending},
		{"init failed, no main reported: panic", list{status("i", terminated(1))}, nil, ""},
		{"STATUS-18: all terminated, one not 0: Failed", list{status("i", terminated(0))}, list{status("a", terminated(0)), status("b", terminated(3))}, corev1.PodFailed},
		{"STATUS-18: all terminated, init not 0: Failed", list{status("i", terminated(1))}, list{status("a", terminated(0)), status("b", terminated(0))}, corev1.PodFailed},
		{"STATUS-19: all terminated with 0: Succeeded", nil, list{status("a", terminated(0)), status("b", terminated(0))}, corev1.PodSucceeded},
		{"STATUS-20: a sidecar runs among init containers: Pending for ever", list{status("s", running())}, list{status("a", running()), status("b", running())}, corev1.PodPending},
		{"STATUS-22: waiting: unchanged", nil, list{status("a", waiting("ImagePullBackOff")), status("b", waiting(""))}, corev1.PodPending},
		{"STATUS-23: running", nil, list{status("a", running()), status("b", waiting(""))}, corev1.PodRunning},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := interlink.WithInitialStatus(interlink.Admit(podOf("p", "a", "b"), interlink.Options{}), interlink.Options{})
			err := applyAnswer(pod, &wire.PodStatus{InitContainers: test.init, Containers: test.main})
			if errors.As(err, new(*Panic)) != (test.want == "") || err == nil && pod.Status.Phase != test.want {
				t.Errorf("phase %s, %v; want %q", pod.Status.Phase, err, test.want)
			}
		})
	}
}

func TestAnswerSetsContainerStatesAndReason(t *testing.T) {
	pod := interlink.WithInitialStatus(interlink.Admit(podOf("p", "a", "b"), interlink.Options{}), interlink.Options{})
	again := status("b", waiting("CrashLoopBackOff"))
	again.RestartCount, again.LastTerminationState = 3, terminated(2)
	for _, step := range []struct {
		name       string
		init, main list
		states     list
		reason     string
	}{
		{
			name: "STATUS-24: an init container runs", init: list{status("i", terminated(0)), status("j", running())}, main: list{status("a", running()), status("b", waiting(""))},
			states: list{status("a", waiting("Init:1/2")), status("b", waiting("Init:1/2"))}, reason: "Init",
		},
		{
			name: "an init container waits", init: list{status("i", terminated(0)), status("j", waiting(""))}, main: list{status("a", waiting("")), status("b", waiting(""))},
			states: list{status("a", waiting("PodInitializing")), status("b", waiting("PodInitializing"))}, reason: "Waiting for init containers",
		},
		{
			name: "STATUS-22, STATUS-23: ready becomes true, a crash loop is passed on", main: list{status("a", running()), again},
			states: list{{Name: "a", State: running(), Ready: true}, again}, reason: "Running",
		},
		{
			name: "STATUS-25: the reason is overwritten, the signal passes", main: list{status("a", terminated(0)), status("b", terminated(137))},
			states: list{
				status("a", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error: 137", Signal: 9}}),
				status("b", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error: 137", Signal: 9}}),
			},
			reason: "Error: 137",
		},
	} {
		if err := applyAnswer(pod, &wire.PodStatus{InitContainers: step.init, Containers: step.main}); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.states, pod.Status.ContainerStatuses); diff != "" || pod.Status.Reason != step.reason {
			t.Errorf("%s: reason %q, want %q\n%s", step.name, pod.Status.Reason, step.reason, diff)
		}
	}
}

func TestRestartedContainer(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	for _, test := range []struct {
		name   string
		policy corev1.RestartPolicy
		of     *corev1.ContainerRestartPolicy
		code   int32
		want   string
	}{
		{"never", corev1.RestartPolicyNever, nil, 1, "a"},
		{"on failure, failed", corev1.RestartPolicyOnFailure, nil, 1, ""},
		{"on failure, succeeded", corev1.RestartPolicyOnFailure, nil, 0, "a"},
		{"always", corev1.RestartPolicyAlways, nil, 0, ""},
		{"the container's own policy", corev1.RestartPolicyNever, &always, 0, ""},
	} {
		pod := podOf("p", "a")
		pod.Spec.RestartPolicy, pod.Spec.Containers[0].RestartPolicy = test.policy, test.of
		got := restartedContainer(pod,
			&corev1.PodStatus{ContainerStatuses: list{status("a", terminated(test.code))}},
			&corev1.PodStatus{ContainerStatuses: list{status("a", running())}})
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
