package status_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// event returns an event of the remote pod that was seen at a time, in seconds.
func event(kind, reason, message string, seconds int64) corev1.Event {
	return corev1.Event{Type: kind, Reason: reason, Message: message, LastTimestamp: at(seconds), InvolvedObject: corev1.ObjectReference{UID: "remote-uid"}}
}

// docs/contract.md, STATUS-44: the newest event that can explain a wait.
func TestWaitEvent(t *testing.T) {
	mount := event("Warning", "FailedMount", `MountVolume.SetUp failed for volume "data"`+"\n", 20)
	scheduling := event("Warning", "FailedScheduling", "0/3 nodes are available", 10)
	foreign := event("Warning", "FailedMount", "of another pod of this name", 90)
	foreign.InvolvedObject.UID = "earlier"
	series := event("Warning", "FailedScheduling", "again", 1)
	series.Series = &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(time.Unix(30, 0))}
	once := event("Warning", "FailedScheduling", "by the new API", 0)
	once.LastTimestamp, once.EventTime = metav1.Time{}, metav1.NewMicroTime(time.Unix(25, 0))
	quota := event("Normal", "Pending", "couldn't assign flavors to pod set main: insufficient unused quota for cpu", 40)
	quota.ReportingController = "kueue.x-k8s.io/pod"
	for _, test := range []struct {
		name   string
		events []corev1.Event
		want   string
	}{
		{"none", nil, ""},
		{"nothing is wrong", []corev1.Event{event("Normal", "Scheduled", "assigned", 20), event("Normal", "Pulling", "image", 21)}, ""},
		{"the newest counts", []corev1.Event{mount, scheduling}, `FailedMount: MountVolume.SetUp failed for volume "data"`},
		{"an image cannot be pulled", []corev1.Event{scheduling, event("Normal", "BackOff", `Back-off pulling image "x"`, 20)}, `BackOff: Back-off pulling image "x"`},
		{"the network of the pod", []corev1.Event{event("Warning", "FailedCreatePodSandBox", "no addresses", 20)}, "FailedCreatePodSandBox: no addresses"},
		{"an earlier pod of the same name", []corev1.Event{foreign, scheduling}, "FailedScheduling: 0/3 nodes are available"},
		{"an event that is repeated", []corev1.Event{mount, series}, "FailedScheduling: again"},
		{"an event of the new API", []corev1.Event{mount, once}, "FailedScheduling: by the new API"},
		{"a quota of Kueue", []corev1.Event{mount, quota}, "Pending: couldn't assign flavors to pod set main: insufficient unused quota for cpu"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodPending}, "main")
			if got := status.WaitEvent(remote, test.events); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// docs/contract.md, STATUS-44: an event is in the message of a pod that waits, once, and no
// longer than it is true.
func TestEventsInMessages(t *testing.T) {
	const mount, scheduling = "FailedMount: no such volume", "FailedScheduling: 0/3 nodes"
	scheduled := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
	unscheduled := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes"}}
	for _, test := range []struct {
		name, event string
		status      corev1.PodStatus
		gate        string
		want        string
	}{
		{"a volume", mount, corev1.PodStatus{Phase: corev1.PodPending, Conditions: scheduled, ContainerStatuses: list{waitsFor("main", "ContainerCreating", "")}}, "", mount},
		{"the scheduler", scheduling, corev1.PodStatus{Phase: corev1.PodPending}, "", scheduling},
		{"the condition says it already", scheduling, corev1.PodStatus{Phase: corev1.PodPending, Conditions: unscheduled}, "", "0/3 nodes"},
		{"the pod is scheduled since", scheduling, corev1.PodStatus{Phase: corev1.PodPending, Conditions: scheduled}, "", ""},
		{"the container says it already", "BackOff: Back-off pulling image", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{waitsFor("main", "ImagePullBackOff", "Back-off pulling image: denied")}}, "",
			"Back-off pulling image: denied"},
		{"the container says something else", mount, corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: list{waitsFor("main", "ErrImagePull", "denied")}}, "", "denied; " + mount},
		{"the pod runs", mount, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: list{waitsFor("main", "CrashLoopBackOff", "back-off")}}, "", "back-off"},
		{"the pod has ended", mount, corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: list{is("main", ends(1))}}, "", ""},
		{"the plugin's own gate", mount, corev1.PodStatus{Phase: corev1.PodPending}, wire.GateDependents, "the pod starts when the objects that it needs exist in the remote cluster"},
		{"a gate of Kueue", "Pending: no quota", corev1.PodStatus{Phase: corev1.PodPending}, "kueue.x-k8s.io/admission", "Pending: no quota"},
		{"nothing is known", "", corev1.PodStatus{Phase: corev1.PodPending}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			requested, remote := pods(corev1.RestartPolicyNever, test.status, "main")
			if test.gate != "" {
				remote.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: test.gate}}
			}
			answer := status.Options{Event: test.event}.Of(requested, status.CachedFields(remote))
			if got := *messageOf(&answer.Containers[0]); got != test.want {
				t.Errorf("the message is %q, want %q", got, test.want)
			}
		})
	}
}

// A pod that is being deleted does not wait for anything.
func TestEventsOfADeletedPod(t *testing.T) {
	_, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodPending}, "main")
	if !status.MayExplain(remote) {
		t.Error("a waiting pod has no explanation")
	}
	remote.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	if status.MayExplain(remote) {
		t.Error("a pod that is being deleted is explained")
	}
}
