package virtualkubelet

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
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
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "the plugin's", Signal: 9}}
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

// The table of the contract's section 2, for a pod with containers a and b.
func TestReport(t *testing.T) {
	for _, test := range []struct {
		name       string
		init, main list
		want       corev1.PodPhase // "" for a panic
	}{
		{"no containers: Succeeded, at once", nil, nil, corev1.PodSucceeded},
		{"fewer containers, all exit 0: Succeeded, too early", nil, list{is("a", ends(0))}, corev1.PodSucceeded},
		{"fewer containers, one not 0: panics", nil, list{is("a", ends(1))}, ""},
		{"an injected container, terminated: panics", nil, list{is("a", runs()), is("b", runs()), is("mesh", ends(0))}, ""},
		{"an injected container, running", nil, list{is("a", runs()), is("b", runs()), is("mesh", runs())}, corev1.PodRunning},
		{"init 1 running, init 2 terminated: panics", list{is("i", runs()), is("j", ends(0))}, list{is("a", waits("")), is("b", waits(""))}, ""},
		{"init 1 terminated, init 2 running", list{is("i", ends(0)), is("j", runs())}, list{is("a", waits("")), is("b", waits(""))}, corev1.PodPending},
		{"init failed, main waiting: Pending for ever", list{is("i", ends(1))}, list{is("a", waits("")), is("b", waits(""))}, corev1.PodPending},
		{"init failed, no main reported: panics", list{is("i", ends(1))}, nil, ""},
		{"all terminated, one not 0: Failed", list{is("i", ends(0))}, list{is("a", ends(0)), is("b", ends(3))}, corev1.PodFailed},
		{"all terminated, init not 0: Failed", list{is("i", ends(1))}, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodFailed},
		{"all terminated: Succeeded", nil, list{is("a", ends(0)), is("b", ends(0))}, corev1.PodSucceeded},
		{"a sidecar running among init containers: Pending for ever", list{is("s", runs())}, list{is("a", runs()), is("b", runs())}, corev1.PodPending},
		{"waiting: unchanged", nil, list{is("a", waits("ImagePullBackOff")), is("b", waits(""))}, corev1.PodPending},
		{"running", nil, list{is("a", runs()), is("b", waits(""))}, corev1.PodRunning},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := submitted(Admit(podOf("p", "a", "b"), Options{}), Options{})
			err := report(pod, &wire.PodStatus{InitContainers: test.init, Containers: test.main})
			if errors.As(err, new(*Panic)) != (test.want == "") || err == nil && pod.Status.Phase != test.want {
				t.Errorf("phase %s, %v; want %q", pod.Status.Phase, err, test.want)
			}
		})
	}
}

// What the answer says of single containers, and what the user reads.
func TestReportContainers(t *testing.T) {
	pod := submitted(Admit(podOf("p", "a", "b"), Options{}), Options{})
	again := is("b", waits("CrashLoopBackOff"))
	again.RestartCount, again.LastTerminationState = 3, ends(2)
	for _, step := range []struct {
		name       string
		init, main list
		states     list
		reason     string
	}{
		{
			name: "the pod initializes", init: list{is("i", ends(0)), is("j", runs())}, main: list{is("a", runs()), is("b", waits(""))},
			states: list{is("a", waits("Init:1/2")), is("b", waits("Init:1/2"))}, reason: "Init",
		},
		{
			name: "an init container waits", init: list{is("i", ends(0)), is("j", waits(""))}, main: list{is("a", waits("")), is("b", waits(""))},
			states: list{is("a", waits("PodInitializing")), is("b", waits("PodInitializing"))}, reason: "Waiting for init containers",
		},
		{
			name: "ready is forced, a crash loop is passed on", main: list{is("a", runs()), again},
			states: list{{Name: "a", State: runs(), Ready: true}, again}, reason: "Running",
		},
		{
			name: "the reason of an end is overwritten, its signal passes", main: list{is("a", ends(0)), is("b", ends(137))},
			states: list{
				is("a", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error: 137", Signal: 9}}),
				is("b", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error: 137", Signal: 9}}),
			},
			reason: "Error: 137",
		},
	} {
		if err := report(pod, &wire.PodStatus{InitContainers: step.init, Containers: step.main}); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.states, pod.Status.ContainerStatuses); diff != "" || pod.Status.Reason != step.reason {
			t.Errorf("%s: reason %q, want %q\n%s", step.name, pod.Status.Reason, step.reason, diff)
		}
	}
}

// What the real virtual kubelet made of recorded answers.
func TestReportAgainstRecordings(t *testing.T) {
	if !needRecordings(t) {
		return
	}
	for name, want := range map[string]corev1.PodPhase{
		"19-status-first": corev1.PodPending, "20-status-running": corev1.PodRunning,
		"24-status-terminated-ok": corev1.PodSucceeded, "25-status-terminated-exit3": corev1.PodFailed,
		"26-status-terminated-oom": corev1.PodFailed, "27-status-imagepullbackoff": corev1.PodPending,
		"28-status-crashloop": corev1.PodPending, "30-status-init-running": corev1.PodPending,
		"31-status-init-sidecar": corev1.PodPending, "32-status-init-failed-stuck": corev1.PodPending,
		"34-status-no-containers": corev1.PodSucceeded, "36-status-crashes-vk-1": "",
		"37-status-crashes-vk-2": "", "38-status-crashes-vk-3": "",
	} {
		t.Run(name, func(t *testing.T) {
			var pods []corev1.Pod
			var answers []wire.PodStatus
			read(t, name+".request", &pods)
			read(t, name+".response", &answers)
			err := report(&pods[0], &answers[0])
			if errors.As(err, new(*Panic)) != (want == "") || err == nil && pods[0].Status.Phase != want {
				t.Errorf("phase %s, %v; the virtual kubelet made %q of it", pods[0].Status.Phase, err, want)
			}
		})
	}
}

func TestTakenBack(t *testing.T) {
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
		{"on failure, done", corev1.RestartPolicyOnFailure, nil, 0, "a"},
		{"always", corev1.RestartPolicyAlways, nil, 0, ""},
		{"the container's own policy", corev1.RestartPolicyNever, &always, 0, ""},
	} {
		pod := podOf("p", "a")
		pod.Spec.RestartPolicy, pod.Spec.Containers[0].RestartPolicy = test.policy, test.of
		got := takenBack(pod,
			&corev1.PodStatus{ContainerStatuses: list{is("a", ends(test.code))}},
			&corev1.PodStatus{ContainerStatuses: list{is("a", runs())}})
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
