package status_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// pods returns a local pod with containers of the given names, and the remote pod in
// the given state. Names that start with "init" are init containers, and names that
// start with "sidecar" are native sidecars.
func pods(policy corev1.RestartPolicy, remote corev1.PodStatus, names ...string) (requested, remotePod *corev1.Pod) {
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
	remotePod = requested.DeepCopy()
	remotePod.Name, remotePod.UID, remotePod.Status = "pod-uid", "remote-uid", remote
	return requested, remotePod
}

type list = []corev1.ContainerStatus

// brief returns the state of a container in a few words.
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

// TestRules checks the rules of docs/contract.md, STATUS-30 to STATUS-38.
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
		{"STATUS-30: no status yet: waiting, for the reason of the pod's condition", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, Conditions: unscheduled}, "init waiting Unschedulable ; | ; main waiting Unschedulable"},
		{"STATUS-30: scheduled, no status yet", never, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodPending}, "| ; main waiting ContainerCreating"},
		{"STATUS-30: scheduled, waits for init containers", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodPending}, "init waiting PodInitializing ; | ; main waiting PodInitializing"},
		{"STATUS-30: initialized, no status yet", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}},
				InitContainerStatuses: list{is("init", ends(0))}}, "init ended  0 ; | ; main waiting ContainerCreating"},
		{"STATUS-30: status without a state: waiting", never, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{{Name: "main"}}}, "| ; main waiting ContainerCreating"},
		{"STATUS-31: succeeded, will be restarted: waiting", always, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{is("main", ends(0))}}, "| ; main waiting CrashLoopBackOff, before: 0"},
		{"STATUS-31: failed, will be restarted: waiting", onFailure, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{is("main", ends(2))}}, "| ; main waiting CrashLoopBackOff, before: 2"},
		{"STATUS-31: ended for good, another one runs: terminated", onFailure, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{is("main", ends(0)), is("other", runs())}}, "| ; main ended  0 ; other running"},
		{"STATUS-22: waiting is passed on", always, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{is("main", waits("ImagePullBackOff"))}}, "| ; main waiting ImagePullBackOff"},
		{"STATUS-32: failed pod: all terminated, with the pod's reason", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}, "init ended Evicted 137 ; | ; main ended Evicted 137"},
		{"STATUS-32: failed pod whose containers succeeded: not Succeeded", never, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: list{is("main", ends(0)), is("other", ends(0))}},
			"| ; main ended DeadlineExceeded 137 ; other ended  0"},
		{"STATUS-32: init container failed for good, the phase is not Failed yet", never, []string{"init-1", "init-2", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list{is("init-1", ends(3)), is("init-2", waits("PodInitializing"))}},
			"init-1 ended  3 ; init-2 ended PodFailed 137 ; | ; main ended PodFailed 137"},
		{"STATUS-31: init container failed and will be restarted", onFailure, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list{is("init", ends(3))}},
			"init waiting CrashLoopBackOff, before: 3 ; | ; main waiting PodInitializing"},
		{"STATUS-32: succeeded pod", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodSucceeded, InitContainerStatuses: list{is("init", ends(0))}, ContainerStatuses: list{is("main", ends(0))}},
			"init ended  0 ; | ; main ended  0"},
		{"STATUS-32: succeeded pod, one exit code not known", never, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: list{is("main", ends(0))}}, "| ; main ended  0 ; other ended Completed 0"},
		{"STATUS-33: init containers in order", never, []string{"init-1", "init-2", "init-3", "main"},
			corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: list{is("init-1", runs()), is("init-2", ends(0)), is("init-3", runs())}},
			"init-1 running ; init-2 waiting PodInitializing ; init-3 waiting PodInitializing ; | ; main waiting PodInitializing"},
		{"STATUS-33: sidecars are in neither list", never, []string{"sidecar", "init", "main"},
			corev1.PodStatus{Phase: corev1.PodRunning, InitContainerStatuses: list{is("sidecar", runs()), is("init", ends(0))}, ContainerStatuses: list{is("main", runs())}},
			"init ended  0 ; | ; main running"},
		{"STATUS-37: one runs, another cannot start: Pending", never, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{is("main", runs()), is("other", waits("ErrImagePull"))}},
			"| ; main waiting PodStarting ; other waiting ErrImagePull"},
		{"STATUS-38: all terminated, a sidecar still stops: Running", never, []string{"sidecar", "main"},
			corev1.PodStatus{Phase: corev1.PodRunning, InitContainerStatuses: list{is("sidecar", runs())}, ContainerStatuses: list{is("main", ends(0))}},
			"| ; main waiting PodEnding, before: 0"},
		{"STATUS-37: node lost while all run: Running, as before", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodUnknown, ContainerStatuses: list{is("main", runs())}}, "init ended Completed 0 ; | ; main running"},
		{"STATUS-37: node lost while an init container runs: Pending, as before", never, []string{"init", "main"},
			corev1.PodStatus{Phase: corev1.PodUnknown, InitContainerStatuses: list{is("init", runs())}}, "init running ; | ; main waiting PodInitializing"},
		{"STATUS-37: node lost before all had started: Pending, as before", never, []string{"main", "other"},
			corev1.PodStatus{Phase: corev1.PodUnknown, ContainerStatuses: list{is("main", runs()), is("other", waits("ErrImagePull"))}},
			"| ; main waiting PodStarting ; other waiting ErrImagePull"},
		{"STATUS-38: node lost, all had terminated: not Succeeded", never, []string{"main"},
			corev1.PodStatus{Phase: corev1.PodUnknown, ContainerStatuses: list{is("main", ends(0))}}, "| ; main waiting PodEnding, before: 0"},
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
