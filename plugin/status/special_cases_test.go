package status_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// docs/contract.md, STATUS-30 and STATUS-36: injected containers are not reported.
// Containers that stay local are reported only if the virtual kubelet would panic
// without them.
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

// docs/contract.md, STATUS-12: if no container is offloaded, an empty list would make
// the pod Succeeded.
func TestNoContainerOffloaded(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodRunning}, "main", "other")
	requested.Annotations = map[string]string{wire.AnnotationDisableContainers: "main,other"}
	if got := briefly(status.Of(requested, nil)); got != "| ; main waiting ContainerCreating ; other waiting ContainerCreating" {
		t.Errorf("not created: %s", got)
	}
	remote.Spec.Containers = []corev1.Container{{Name: "injected"}}
	if got := briefly(status.Of(requested, remote)); got != "| ; main waiting ContainerCreating ; other waiting ContainerCreating" {
		t.Errorf("running: %s", got)
	}
}

// docs/contract.md, STATUS-31: the restart policy and rules of a container take
// precedence over the restart policy of the pod.
func TestOwnRestartPolicy(t *testing.T) {
	rule := func(operator corev1.ContainerRestartRuleOnExitCodesOperator, code int32) []corev1.ContainerRestartRule {
		return []corev1.ContainerRestartRule{{
			Action:    corev1.ContainerRestartRuleActionRestart,
			ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: operator, Values: []int32{code}},
		}}
	}
	in, notIn := corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn
	for _, test := range []struct {
		name string
		pod  corev1.RestartPolicy
		own  corev1.ContainerRestartPolicy
		rule []corev1.ContainerRestartRule
		end  corev1.ContainerStateTerminated
		init bool
		want string
	}{
		{"Never, pod Always", "Always", "Never", nil, corev1.ContainerStateTerminated{ExitCode: 1}, false, "ended"},
		{"OnFailure, pod Never", "Never", "OnFailure", nil, corev1.ContainerStateTerminated{ExitCode: 1}, false, "waits"},
		{"rule for this exit code", "Never", "Never", rule(in, 42), corev1.ContainerStateTerminated{ExitCode: 42}, false, "waits"},
		{"rule for another exit code", "Never", "Never", rule(in, 42), corev1.ContainerStateTerminated{ExitCode: 1}, false, "ended"},
		{"rule for all but another exit code", "Never", "Never", rule(notIn, 42), corev1.ContainerStateTerminated{ExitCode: 1}, false, "waits"},
		{"rule for all but this exit code", "Never", "Never", rule(notIn, 42), corev1.ContainerStateTerminated{ExitCode: 42}, false, "ended"},
		{"kubelet restarts all containers", "Never", "Never", nil, corev1.ContainerStateTerminated{Reason: "RestartingAllContainers"}, false, "waits"},
		{"init container: rule for this exit code", "Never", "Never", rule(in, 42), corev1.ContainerStateTerminated{ExitCode: 42}, true, "waits"},
		{"init container succeeded, whatever the rule", "Always", "Never", rule(notIn, 42), corev1.ContainerStateTerminated{}, true, "ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requested, remote := pods(test.pod, corev1.PodStatus{Phase: corev1.PodRunning}, "init", "main", "other")
			at, reported := &remote.Spec.Containers[0], is("main", corev1.ContainerState{Terminated: &test.end})
			remote.Status.ContainerStatuses = list{reported, is("other", runs())}
			if test.init {
				at, reported.Name = &remote.Spec.InitContainers[0], "init"
				remote.Status = corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list{reported}}
			}
			at.RestartPolicy, at.RestartPolicyRules = &test.own, test.rule
			answer := status.Of(requested, remote)
			s := answer.Containers[0]
			if test.init {
				s = answer.InitContainers[0]
			}
			if (s.State.Terminated != nil) != (test.want == "ended") || (s.State.Waiting != nil) != (test.want == "waits") {
				t.Errorf("%s, want %s", brief(s), test.want)
			}
		})
	}
}

// docs/contract.md, STATUS-25: the user sees why a pod failed only in messages.
func TestFailureMessages(t *testing.T) {
	failed := func(reason, message string, statuses ...corev1.ContainerStatus) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodFailed, Reason: reason, Message: message, ContainerStatuses: statuses}
	}
	own := is("main", ends(1))
	own.State.Terminated.Message = "own message"
	lost := is("main", ends(137))
	lost.State.Terminated.Reason = "ContainerStatusUnknown"
	lost.State.Terminated.Message = "The container could not be located when the pod was terminated"
	for _, test := range []struct {
		name   string
		status corev1.PodStatus
		want   string // of the container "main"
	}{
		{"never ran", failed("Evicted", "low on memory"), "Evicted: low on memory"},
		{"lost while running", failed("NodeLost", "", is("main", runs())), "NodeLost"},
		{"killed", failed("Evicted", "low on memory", is("main", ends(137))), "Evicted: low on memory"},
		{"failed with its own message", failed("Evicted", "low on memory", own), "own message"},
		{"not found by the kubelet", failed("Evicted", "low on memory", lost), "Evicted: low on memory"}, // seen on a real kubelet
		{"failed, no reason of the pod", failed("", "", is("main", ends(1))), ""},
		{"succeeded when it was asked to stop", failed("DeadlineExceeded", "too long", is("main", ends(0))), "DeadlineExceeded: too long; the container itself terminated with exit code 0"},
		{"never ran because an init container failed", corev1.PodStatus{Phase: corev1.PodFailed, InitContainerStatuses: list{is("init", ends(3))}}, "init container init terminated with exit code 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			names := []string{"main"}
			if test.status.InitContainerStatuses != nil {
				names = append(names, "init")
			}
			requested, remote := pods(corev1.RestartPolicyNever, test.status, names...)
			if end := status.Of(requested, remote).Containers[0].State.Terminated; end == nil || end.Message != test.want {
				t.Errorf("terminated as %+v, want message %q", end, test.want)
			}
		})
	}
}

// docs/contract.md, STATUS-33: an init container that must wait in the answer is not
// ready in it either.
func TestInitContainerThatMustWaitIsNotReady(t *testing.T) {
	later := is("init-2", runs())
	later.Ready = true
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{
		Phase: corev1.PodPending, InitContainerStatuses: list{is("init-1", runs()), later},
	}, "init-1", "init-2", "main")
	if got := status.Of(requested, remote).InitContainers[1]; got.State.Waiting == nil || got.Ready {
		t.Errorf("%s, ready %v; want waiting and not ready", brief(got), got.Ready)
	}
}

// docs/contract.md, STATUS-38: the container that is kept waiting is not one that has
// been reported as terminated, since the local API server would refuse that.
func TestKeepsWaitingAContainerNotYetReportedAsTerminated(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{
		Phase: corev1.PodRunning, InitContainerStatuses: list{is("sidecar", runs())}, ContainerStatuses: list{is("main", ends(1)), is("other", ends(0))},
	}, "sidecar", "main", "other")
	requested.Status.ContainerStatuses = list{is("main", runs()), is("other", ends(0))}
	if got := briefly(status.Of(requested, remote)); got != "| ; main waiting PodEnding, before: 1 ; other ended  0" {
		t.Error(got)
	}
}

// A pod that is being deleted is not reported as restarting.
func TestPodBeingDeleted(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyAlways, corev1.PodStatus{
		Phase: corev1.PodRunning, ContainerStatuses: list{is("main", ends(143)), is("other", runs())},
	}, "main", "other")
	remote.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	if got := briefly(status.Of(requested, remote)); got != "| ; main waiting PodEnding, before: 143 ; other running" {
		t.Error(got)
	}
}

// The package has no clock: a container that has not reported its end gets the times
// of the remote pod, or none.
func TestTimes(t *testing.T) {
	started, changed := metav1.Unix(10, 0), metav1.Unix(20, 0)
	running := is("main", corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}})
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{
		Phase: corev1.PodFailed, Reason: "NodeLost", ContainerStatuses: list{running},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, LastTransitionTime: changed}, {Type: corev1.PodScheduled, LastTransitionTime: started}},
	}, "main")
	end := status.Of(requested, remote).Containers[0].State.Terminated
	if end == nil || !end.StartedAt.Equal(&started) || !end.FinishedAt.Equal(&changed) {
		t.Errorf("terminated as %+v", end)
	}
	requested.Annotations = map[string]string{wire.AnnotationJobID: "jid"}
	if end := status.Of(requested, nil).Containers[0].State.Terminated; end == nil || !end.FinishedAt.IsZero() {
		t.Errorf("absent remotely: terminated as %+v", end)
	}
}

// docs/contract.md, STATUS-30: a pod with scheduling gates waits. The plugin's own gate
// is explained to the user; other gates have the words of the remote cluster.
func TestGatedPods(t *testing.T) {
	const kueue, blocked = "kueue.x-k8s.io/admission", "Scheduling is blocked due to non-empty scheduling gates"
	own := "the pod starts when the objects that it needs exist in the remote cluster"
	gated := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "SchedulingGated", Message: blocked}}
	for _, test := range []struct {
		name       string
		gates      []string
		conditions []corev1.PodCondition
		message    string
	}{
		{"the plugin's gate", []string{wire.GateDependents}, gated, own},
		{"the plugin's gate, no condition yet", []string{wire.GateDependents}, nil, own},
		{"a gate of Kueue", []string{kueue}, gated, blocked},
		{"both", []string{kueue, wire.GateDependents}, gated, own},
	} {
		t.Run(test.name, func(t *testing.T) {
			requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodPending, Conditions: test.conditions}, "init", "main")
			for _, gate := range test.gates {
				remote.Spec.SchedulingGates = append(remote.Spec.SchedulingGates, corev1.PodSchedulingGate{Name: gate})
			}
			answer := status.Of(requested, remote)
			if got := briefly(answer); got != "init waiting SchedulingGated ; | ; main waiting SchedulingGated" {
				t.Errorf("got %s", got)
			}
			for _, s := range append(answer.InitContainers, answer.Containers...) {
				if s.State.Waiting == nil || s.State.Waiting.Message != test.message {
					t.Errorf("container %s: %+v, want the message %q", s.Name, s.State.Waiting, test.message)
				}
			}
			l := newLocalCluster(requested)
			if err := l.report(answer); err != nil || l.phase != corev1.PodPending {
				t.Errorf("the local pod becomes %s: %v", l.phase, err)
			}
		})
	}
}

// The answer repeats the job ID of the local pod, whatever it is: earlier versions chose
// the UID of the remote pod. A pod without one has the job ID that create answers.
func TestJobID(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodPending}, "main")
	if got := status.Of(requested, remote).JID; got != "pod-uid" {
		t.Errorf("without a job ID: %q", got)
	}
	requested.Annotations = map[string]string{wire.AnnotationJobID: "remote-uid"}
	if got := status.Of(requested, remote).JID; got != "remote-uid" {
		t.Errorf("with the job ID of an earlier version: %q", got)
	}
}

// docs/contract.md, STATUS-34: a pod that the remote cluster does not have.
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
	l := newLocalCluster(requested)
	if err := l.report(answer); err != nil || l.phase != corev1.PodFailed {
		t.Errorf("the local pod becomes %s: %v", l.phase, err)
	}
}

// docs/contract.md, STATUS-39: what describes a container is passed on unchanged, and
// what belongs to the remote cluster is left out, from a whole pod and from a cached one.
func TestDetailsArePassedOn(t *testing.T) {
	at := metav1.NewTime(time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC))
	started := true
	full := corev1.ContainerStatus{
		Name: "main", Image: "busybox:1.36", ImageID: "sha256:abc", ContainerID: "containerd://def", RestartCount: 4, Ready: true, Started: &started,
		State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Signal: 9, Reason: "OOMKilled", Message: "out", FinishedAt: at}},
	}
	remoteOnly := full
	remoteOnly.AllocatedResources = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	remoteOnly.AllocatedResourcesStatus = []corev1.ResourceStatus{{Name: "example.org/gpu"}}
	remoteOnly.Resources = &corev1.ResourceRequirements{Limits: remoteOnly.AllocatedResources}
	remoteOnly.VolumeMounts = []corev1.VolumeMountStatus{{Name: "data", MountPath: "/data"}}
	remoteOnly.User = &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: 7}}
	remoteOnly.StopSignal = ptr.To(corev1.SIGINT)
	requested, remote := pods(corev1.RestartPolicyAlways, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{remoteOnly}}, "main")
	for name, pod := range map[string]*corev1.Pod{"whole": remote, "cached": status.CachedFields(remote)} {
		if diff := cmp.Diff(full, status.Of(requested, pod).Containers[0]); diff != "" {
			t.Errorf("%s pod (-want +got)\n%s", name, diff)
		}
	}
	answer := status.Of(requested, remote)
	answer.Containers[0].State.Running.StartedAt = metav1.Time{}
	if !remote.Status.ContainerStatuses[0].State.Running.StartedAt.Equal(&at) {
		t.Error("the answer shares memory with the cached pod")
	}
}
