package plugin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// eventuallyStatus asks for the status of a pod until it is the wanted one, and returns
// it: the watch needs a moment to deliver a change.
func (h *harness) eventuallyStatus(pod corev1.Pod, jid string, want func(wire.PodStatus) bool) wire.PodStatus {
	h.t.Helper()
	var last wire.PodStatus
	h.eventually("the plugin reports the status of the kubelet", func() bool {
		last = h.status(pod, jid)
		return want(last)
	})
	return last
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
}

func terminated(code int32, reason string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
}

func statusOf(name string, state corev1.ContainerState) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, Image: "busybox", State: state}
}

func TestUnschedulablePodIsPendingWithTheReason(t *testing.T) {
	h := start(t)
	r := podOf("unschedulable", busybox("main"))
	jid := h.create(r).PodJID
	h.setStatus(r.Pod, corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/3 nodes are available",
	}}})
	h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool {
		w := s.Containers[0].State.Waiting
		return w != nil && w.Reason == "Unschedulable" && strings.Contains(w.Message, "0/3 nodes are available")
	})
}

func TestEvictedPodFails(t *testing.T) {
	h := start(t)
	r := podOf("evicted", busybox("main"), busybox("second"))
	jid := h.create(r).PodJID
	h.setStatus(r.Pod, corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "low on ephemeral-storage"})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
	for _, c := range answer.Containers {
		if c.State.Terminated == nil || c.State.Terminated.ExitCode == 0 || c.State.Terminated.Reason != "Evicted" ||
			!strings.Contains(c.State.Terminated.Message, "low on ephemeral-storage") {
			t.Errorf("container %s has the state %+v", c.Name, c.State)
		}
	}
}

func TestMissingPodFails(t *testing.T) {
	h := start(t)
	r := podOf("missing", busybox("main"))
	if before := h.status(r.Pod, ""); before.Containers[0].State.Waiting == nil {
		t.Errorf("before its create the pod has the state %+v", before.Containers[0].State)
	}
	jid := h.create(r).PodJID
	remote := h.remotePod(r.Pod)
	h.must(h.admin.CoreV1().Pods(remote.Namespace).Delete(t.Context(), remote.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}))
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
	if end := answer.Containers[0].State.Terminated; end.ExitCode != 137 || end.Reason != "RemotePodNotFound" {
		t.Errorf("the container has the state %+v", end)
	}
	// Without a job ID, the create of the pod may be in flight (docs/contract.md, STATUS-34).
	if answer := h.status(r.Pod, ""); answer.Containers[0].State.Waiting == nil {
		t.Errorf("without a job ID the pod has the state %+v", answer.Containers[0].State)
	}
}

// Kubernetes reports the main containers as waiting; InterLink would then wait for ever
// (docs/contract.md, STATUS-17).
func TestFailedInitContainerFailsThePod(t *testing.T) {
	h := start(t)
	r := podOf("init", busybox("main"))
	r.Pod.Spec.InitContainers = []corev1.Container{busybox("first"), busybox("second")}
	jid := h.create(r).PodJID
	h.setStatus(r.Pod, corev1.PodStatus{
		Phase:                 corev1.PodFailed,
		InitContainerStatuses: []corev1.ContainerStatus{statusOf("first", terminated(3, "Error")), statusOf("second", waiting("PodInitializing"))},
		ContainerStatuses:     []corev1.ContainerStatus{statusOf("main", waiting("PodInitializing"))},
	})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
	if len(answer.InitContainers) != 2 || answer.InitContainers[0].State.Terminated.ExitCode != 3 ||
		answer.InitContainers[1].State.Terminated == nil || answer.Containers[0].State.Terminated.ExitCode == 0 {
		t.Errorf("the status is %+v", answer)
	}
}

// If the status listed a native sidecar, the local pod would stay Pending
// (docs/contract.md, STATUS-20).
func TestNativeSidecarIsNotListed(t *testing.T) {
	h := start(t)
	r := podOf("sidecar", busybox("main"))
	sidecar := busybox("sidecar")
	sidecar.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	r.Pod.Spec.InitContainers = []corev1.Container{sidecar, busybox("init")}
	jid := h.create(r).PodJID
	h.setStatus(r.Pod, corev1.PodStatus{
		Phase:                 corev1.PodRunning,
		InitContainerStatuses: []corev1.ContainerStatus{statusOf("sidecar", running()), statusOf("init", terminated(0, "Completed"))},
		ContainerStatuses:     []corev1.ContainerStatus{statusOf("main", running())},
	})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Running != nil })
	if len(answer.InitContainers) != 1 || answer.InitContainers[0].Name != "init" || len(answer.Containers) != 1 {
		t.Errorf("the status is %+v", answer)
	}
}

// InterLink never restarts a container that is reported as terminated (docs/contract.md,
// STATUS-31).
func TestRestartingContainerWaits(t *testing.T) {
	h := start(t)
	r := podOf("restarting", busybox("main"))
	r.Pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	jid := h.create(r).PodJID
	ended := statusOf("main", terminated(1, "Error"))
	ended.RestartCount = 2
	h.setStatus(r.Pod, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{ended}})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].RestartCount == 2 })
	main := answer.Containers[0]
	if main.State.Waiting == nil || main.State.Waiting.Reason != "CrashLoopBackOff" ||
		main.LastTerminationState.Terminated == nil || main.LastTerminationState.Terminated.ExitCode != 1 {
		t.Errorf("the container has the status %+v", main)
	}
}

func TestFinishedPodSucceeds(t *testing.T) {
	h := start(t)
	r := podOf("finished", busybox("main"))
	jid := h.create(r).PodJID
	h.setStatus(r.Pod, corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{statusOf("main", terminated(0, "Completed"))}})
	h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool {
		end := s.Containers[0].State.Terminated
		return end != nil && end.ExitCode == 0
	})
}

func TestPing(t *testing.T) {
	h := start(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if code, body := h.call(method, "/status", []byte("[]")); code != http.StatusOK || strings.TrimSpace(string(body)) != "[]" {
			t.Errorf("%s gets %d %s", method, code, body)
		}
	}
}

// createFails sends a create that must fail, and returns the status code and the detail of
// the answer.
func (h *harness) createFails(r wire.CreateRequest) (int, string) {
	h.t.Helper()
	body, err := json.Marshal(r)
	h.must(err)
	code, text := h.call(http.MethodPost, "/create", body)
	var answer wire.ErrorResponse
	h.must(json.Unmarshal(text, &answer))
	if code == http.StatusOK || answer.Detail == "" {
		h.t.Fatalf("create gets %d %s, want an error with a detail", code, text)
	}
	return code, answer.Detail
}

// If the plugin refuses a pod, the answer has the reason, which InterLink shows in the
// pod's status (docs/contract.md, CREATE-5).
func TestRefusedCreateHasTheReason(t *testing.T) {
	h := start(t)
	r := podOf("refused", busybox("main", "config"))
	r.Pod.Spec.Volumes = []corev1.Volume{configMapVolume("config", "missing")}
	if code, detail := h.createFails(r); code != http.StatusUnprocessableEntity || !strings.Contains(detail, "ConfigMap missing") {
		t.Errorf("create gets %d %s", code, detail)
	}
	h.delete(r.Pod) // InterLink also sends a delete after a failed create (docs/contract.md, DELETE-6)
}
