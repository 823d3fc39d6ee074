package status_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// pods returns a local pod with init containers "init-*" and main containers of
// the given names, and its remote twin in the given state.
func pods(policy corev1.RestartPolicy, remote corev1.PodStatus, names ...string) (requested, running *corev1.Pod) {
	requested = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "demo", UID: "uid"}}
	requested.Spec.RestartPolicy = policy
	for _, name := range names {
		c := corev1.Container{Name: name, Image: name + ":1"}
		switch {
		case strings.HasPrefix(name, "init"):
			requested.Spec.InitContainers = append(requested.Spec.InitContainers, c)
		case strings.HasPrefix(name, "sidecar"):
			c.RestartPolicy = sidecar(name).RestartPolicy
			requested.Spec.InitContainers = append(requested.Spec.InitContainers, c)
		default:
			requested.Spec.Containers = append(requested.Spec.Containers, c)
		}
	}
	running = requested.DeepCopy()
	running.UID, running.Status = "jid", remote
	return requested, running
}

type list = []corev1.ContainerStatus

// brief says a container's state in a word or two.
func brief(s corev1.ContainerStatus) string {
	text := s.Name + " "
	switch {
	case s.State.Waiting != nil:
		text += "waiting " + s.State.Waiting.Reason
	case s.State.Running != nil:
		text += "running"
	case s.State.Terminated != nil:
		text += "ended " + s.State.Terminated.Reason + " " + strconv.Itoa(int(s.State.Terminated.ExitCode))
	}
	if last := s.LastTerminationState.Terminated; last != nil {
		text += ", before: " + strconv.Itoa(int(last.ExitCode))
	}
	return text
}

func briefly(answer wire.PodStatus) string {
	var parts []string
	for _, s := range answer.InitContainers {
		parts = append(parts, brief(s))
	}
	parts = append(parts, "|")
	for _, s := range answer.Containers {
		parts = append(parts, brief(s))
	}
	return strings.Join(parts, " ; ")
}

// Each rule of the contract's section 2, by name.
func TestRules(t *testing.T) {
	always, onFailure, never := corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever
	unscheduled := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes"}}
	for _, test := range []struct {
		name       string
		policy     corev1.RestartPolicy
		containers []string
		status     corev1.PodStatus
		want       string
	}{
		{"1: no status yet: waiting, as the pod's condition says", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, Conditions: unscheduled}, "init waiting Unschedulable ; | ; main waiting Unschedulable"},
		{"1: scheduled, no status yet", never, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodPending}, "| ; main waiting ContainerCreating"},
		{"1: scheduled, init containers first", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodPending}, "init waiting PodInitializing ; | ; main waiting PodInitializing"},
		{"2: ended, will be restarted: waiting", always, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{is("main", ends(0))}}, "| ; main waiting CrashLoopBackOff, before: 0"},
		{"2: failed, will be restarted: waiting", onFailure, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{is("main", ends(2))}}, "| ; main waiting CrashLoopBackOff, before: 2"},
		{"2: ended for good beside one that runs: terminated", onFailure, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{is("main", ends(0)), is("other", runs())}}, "| ; main ended  0 ; other running"},
		{"2: what waits passes", always, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{is("main", waits("ImagePullBackOff"))}}, "| ; main waiting ImagePullBackOff"},
		{"3: failed pod: all terminated, for the pod's reason", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}, "init ended Evicted 137 ; | ; main ended Evicted 137"},
		{"3: failed pod whose containers ended well: not a success", never, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: list{is("main", ends(0)), is("other", ends(0))}},
			"| ; main ended DeadlineExceeded 137 ; other ended  0"},
		{"3: an init container failed for good, the phase follows later", never, []string{"init-1", "init-2", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list{is("init-1", ends(3)), is("init-2", waits("PodInitializing"))}},
			"init-1 ended  3 ; init-2 ended PodFailed 137 ; | ; main ended PodFailed 137"},
		{"3: an init container failed and is retried", onFailure, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list{is("init", ends(3))}},
			"init waiting CrashLoopBackOff, before: 3 ; | ; main waiting PodInitializing"},
		{"3: succeeded pod", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodSucceeded, InitContainerStatuses: list{is("init", ends(0))}, ContainerStatuses: list{is("main", ends(0))}},
			"init ended  0 ; | ; main ended  0"},
		{"4: init containers in order", never, []string{"init-1", "init-2", "init-3", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list{is("init-1", runs()), is("init-2", ends(0)), is("init-3", runs())}},
			"init-1 running ; init-2 waiting PodInitializing ; init-3 waiting PodInitializing ; | ; main waiting PodInitializing"},
		{"4: sidecars are in neither list", never, []string{"sidecar", "init", "main"},
			corev1.PodStatus{Phase: corev1.PodRunning, InitContainerStatuses: list{is("sidecar", runs()), is("init", ends(0))}, ContainerStatuses: list{is("main", runs())}},
			"init ended  0 ; | ; main running"},
		{"phase: one runs, another cannot start: Pending", never, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{is("main", runs()), is("other", waits("ErrImagePull"))}},
			"| ; main waiting PodStarting ; other waiting ErrImagePull"},
		{"phase: all ended, a sidecar still stops: Running", never, []string{"sidecar", "main"},
			corev1.PodStatus{Phase: corev1.PodRunning, InitContainerStatuses: list{is("sidecar", runs())}, ContainerStatuses: list{is("main", ends(0))}},
			"| ; main waiting PodEnding, before: 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requested, remote := pods(test.policy, test.status, test.containers...)
			answer := status.Of(requested, remote)
			if diff := cmp.Diff(test.want, briefly(answer)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if err := wellFormed(requested, remote, answer); err != nil {
				t.Error(err)
			}
		})
	}
}

// Rule 1: an injected container is not reported, one that stayed local only when
// its absence would make the virtual kubelet panic.
func TestInjectedAndLocalContainers(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{is("main", runs()), is("injected", runs())}}, "main", "local")
	requested.Annotations = map[string]string{wire.AnnotationDisableContainers: "local"}
	remote.Spec.Containers[1].Name = "injected"
	if got := briefly(status.Of(requested, remote)); got != "| ; main running" {
		t.Errorf("running: %s", got)
	}
	remote.Status = corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: list{is("main", ends(0))}}
	if got := briefly(status.Of(requested, remote)); got != "| ; main ended  0" {
		t.Errorf("succeeded: %s", got)
	}
	remote.Status = corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: list{is("main", ends(1))}}
	if got := briefly(status.Of(requested, remote)); got != "| ; main ended  1 ; local ended NotOffloaded 0" {
		t.Errorf("failed: %s", got)
	}
}

// Rule 5: a pod that is not there.
func TestAbsentPods(t *testing.T) {
	requested, _ := pods(corev1.RestartPolicyAlways, corev1.PodStatus{}, "init", "sidecar", "main", "local")
	requested.Annotations = map[string]string{wire.AnnotationDisableContainers: " local ,other"}
	answer := status.Of(requested, nil)
	if got := briefly(answer); got != "init waiting ContainerCreating ; | ; main waiting ContainerCreating" || answer.JID != "" {
		t.Errorf("without a job ID: %s, JID %q", got, answer.JID)
	}
	requested.Annotations[wire.AnnotationJobID] = "jid"
	answer = status.Of(requested, nil)
	if got := briefly(answer); got != "init ended RemotePodNotFound 137 ; | ; main ended RemotePodNotFound 137 ; local ended NotOffloaded 0" || answer.JID != "jid" {
		t.Errorf("with a job ID: %s, JID %q", got, answer.JID)
	}
	o := newOracle(requested)
	if err := o.report(answer); err != nil || o.phase != corev1.PodFailed {
		t.Errorf("the virtual kubelet makes %s of it: %v", o.phase, err)
	}
}

// What the remote kubelet says beside the state is passed on.
func TestDetailsPass(t *testing.T) {
	at := metav1.NewTime(time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC))
	started := true
	full := corev1.ContainerStatus{
		Name: "main", Image: "busybox:1.36", ImageID: "sha256:abc", ContainerID: "containerd://def", RestartCount: 4, Ready: true, Started: &started,
		State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Signal: 9, Reason: "OOMKilled", Message: "out", FinishedAt: at}},
	}
	requested, remote := pods(corev1.RestartPolicyAlways, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{full}}, "main")
	answer := status.Of(requested, remote)
	if diff := cmp.Diff(full, answer.Containers[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	answer.Containers[0].State.Running.StartedAt = metav1.Time{}
	if !remote.Status.ContainerStatuses[0].State.Running.StartedAt.Equal(&at) {
		t.Error("the answer shares memory with the cached pod")
	}
}
