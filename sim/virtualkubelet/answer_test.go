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

func is(name string, state corev1.ContainerState) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: state}
}

func waits(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func runs() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func ends(code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "set by the plugin", Signal: 9}}
}

// podOf is a pod, as a user writes it, with these containers.
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
		{"STATUS-13: fewer containers, all exit 0: Succeeded too early", nil, list{is("a", ends(0))}, corev1.PodSucceeded},
		{"STATUS-14: fewer containers, one not 0: panic", nil, list{is("a", ends(1))}, ""},
		{"STATUS-15: an injected container, terminated: panic", nil, list{is("a", runs()), is("b", runs()), is("mesh", ends(0))}, ""},
		{"an injected container, running", nil, list{is("a", runs()), is("b", runs()), is("mesh", runs())}, corev1.PodRunning},
		{"STATUS-16: init 1 running, init 2 terminated: panic", list{is("i", runs()), is("j", ends(0))}, list{is("a", waits("")), is("b", waits(""))}, ""},
		{"init 1 terminated, init 2 running", list{is("i", ends(0)), is("j", runs())}, list{is("a", waits("")), is("b", waits(""))}, corev1.PodPending},
		{"STATUS-17: init failed, main waiting: Pending for ever", list{is("i", ends(1))}, list{is("a", waits("")), is("b", waits(""))}, corev1.PodPending},
		{"init failed, no main reported: panic", list{is("i", ends(1))}, nil, ""},
		{"STATUS-18: all terminated, one not 0: Failed", list{is("i", ends(0))}, list{is("a", ends(0)), is("b", ends(3))}, corev1.PodFailed},
		{"STATUS-18: all terminated, init not 0: Failed", list{is("i", ends(1))}, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodFailed},
		{"STATUS-19: all terminated with 0: Succeeded", nil, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodSucceeded},
		{"STATUS-20: a sidecar runs among init containers: Pending for ever", list{is("s", runs())}, list{is("a", runs()), is("b", runs())}, corev1.PodPending},
		{"STATUS-22: waiting: unchanged", nil, list{is("a", waits("ImagePullBackOff")), is("b", waits(""))}, corev1.PodPending},
		{"STATUS-23: running", nil, list{is("a", runs()), is("b", waits(""))}, corev1.PodRunning},
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
	again := is("b", waits("CrashLoopBackOff"))
	again.RestartCount, again.LastTerminationState = 3, ends(2)
	for _, step := range []struct {
		name       string
		init, main list
		states     list
		reason     string
	}{
		{
			name: "STATUS-24: an init container runs", init: list{is("i", ends(0)), is("j", runs())}, main: list{is("a", runs()), is("b", waits(""))},
			states: list{is("a", waits("Init:1/2")), is("b", waits("Init:1/2"))}, reason: "Init",
		},
		{
			name: "an init container waits", init: list{is("i", ends(0)), is("j", waits(""))}, main: list{is("a", waits("")), is("b", waits(""))},
			states: list{is("a", waits("PodInitializing")), is("b", waits("PodInitializing"))}, reason: "Waiting for init containers",
		},
		{
			name: "STATUS-22, STATUS-23: ready becomes true, a crash loop is passed on", main: list{is("a", runs()), again},
			states: list{{Name: "a", State: runs(), Ready: true}, again}, reason: "Running",
		},
		{
			name: "STATUS-25: the reason is overwritten, the signal passes", main: list{is("a", ends(0)), is("b", ends(137))},
			states: list{
				is("a", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error: 137", Signal: 9}}),
				is("b", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error: 137", Signal: 9}}),
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
			&corev1.PodStatus{ContainerStatuses: list{is("a", ends(test.code))}},
			&corev1.PodStatus{ContainerStatuses: list{is("a", runs())}})
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
