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

// eventually asks for a pod's status until the watch has brought what want looks
// for, and returns that answer.
func (h *harness) eventuallyStatus(pod corev1.Pod, jid string, want func(wire.PodStatus) bool) wire.PodStatus {
	h.t.Helper()
	var last wire.PodStatus
	h.eventually("the status shows what the kubelet said", func() bool {
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

func of(name string, state corev1.ContainerState) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, Image: "busybox", State: state}
}

func TestUnschedulablePodStaysPendingAndSaysWhy(t *testing.T) {
	h := start(t)
	r := podOf("unschedulable", busybox("main"))
	jid := h.create(r).PodJID
	h.kubelet(r.Pod, corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
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
	h.kubelet(r.Pod, corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "low on ephemeral-storage"})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
	for _, c := range answer.Containers {
		if c.State.Terminated == nil || c.State.Terminated.ExitCode == 0 || c.State.Terminated.Reason != "Evicted" ||
			!strings.Contains(c.State.Terminated.Message, "low on ephemeral-storage") {
			t.Errorf("container %s is %+v", c.Name, c.State)
		}
	}
}

func TestVanishedPodFails(t *testing.T) {
	h := start(t)
	r := podOf("vanished", busybox("main"))
	if before := h.status(r.Pod, ""); before.Containers[0].State.Waiting == nil {
		t.Errorf("before its create the pod is %+v", before.Containers[0].State)
	}
	jid := h.create(r).PodJID
	remote := h.remotePod(r.Pod)
	h.must(h.admin.CoreV1().Pods(remote.Namespace).Delete(t.Context(), remote.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}))
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
	if end := answer.Containers[0].State.Terminated; end.ExitCode != 137 || end.Reason != "RemotePodNotFound" {
		t.Errorf("it ended as %+v", end)
	}
	// Without a job ID, its create may be in flight.
	if answer := h.status(r.Pod, ""); answer.Containers[0].State.Waiting == nil {
		t.Errorf("without a job ID the pod is %+v", answer.Containers[0].State)
	}
}

// Kubernetes leaves the main containers waiting; InterLink would for ever.
func TestFailedInitContainerFailsThePod(t *testing.T) {
	h := start(t)
	r := podOf("init", busybox("main"))
	r.Pod.Spec.InitContainers = []corev1.Container{busybox("first"), busybox("second")}
	jid := h.create(r).PodJID
	h.kubelet(r.Pod, corev1.PodStatus{
		Phase:                 corev1.PodFailed,
		InitContainerStatuses: []corev1.ContainerStatus{of("first", terminated(3, "Error")), of("second", waiting("PodInitializing"))},
		ContainerStatuses:     []corev1.ContainerStatus{of("main", waiting("PodInitializing"))},
	})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
	if len(answer.InitContainers) != 2 || answer.InitContainers[0].State.Terminated.ExitCode != 3 ||
		answer.InitContainers[1].State.Terminated == nil || answer.Containers[0].State.Terminated.ExitCode == 0 {
		t.Errorf("answered %+v", answer)
	}
}

// Listed among the init containers, a sidecar would keep the pod Pending.
func TestNativeSidecarIsNotListed(t *testing.T) {
	h := start(t)
	r := podOf("sidecar", busybox("main"))
	sidecar := busybox("sidecar")
	sidecar.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	r.Pod.Spec.InitContainers = []corev1.Container{sidecar, busybox("init")}
	jid := h.create(r).PodJID
	h.kubelet(r.Pod, corev1.PodStatus{
		Phase:                 corev1.PodRunning,
		InitContainerStatuses: []corev1.ContainerStatus{of("sidecar", running()), of("init", terminated(0, "Completed"))},
		ContainerStatuses:     []corev1.ContainerStatus{of("main", running())},
	})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Running != nil })
	if len(answer.InitContainers) != 1 || answer.InitContainers[0].Name != "init" || len(answer.Containers) != 1 {
		t.Errorf("answered %+v", answer)
	}
}

// Terminated would be final for InterLink.
func TestRestartingContainerWaits(t *testing.T) {
	h := start(t)
	r := podOf("restarting", busybox("main"))
	r.Pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	jid := h.create(r).PodJID
	ended := of("main", terminated(1, "Error"))
	ended.RestartCount = 2
	h.kubelet(r.Pod, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{ended}})
	answer := h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].RestartCount == 2 })
	main := answer.Containers[0]
	if main.State.Waiting == nil || main.State.Waiting.Reason != "CrashLoopBackOff" ||
		main.LastTerminationState.Terminated == nil || main.LastTerminationState.Terminated.ExitCode != 1 {
		t.Errorf("the container is %+v", main)
	}
}

func TestFinishedPodSucceeds(t *testing.T) {
	h := start(t)
	r := podOf("finished", busybox("main"))
	jid := h.create(r).PodJID
	h.kubelet(r.Pod, corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{of("main", terminated(0, "Completed"))}})
	h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool {
		end := s.Containers[0].State.Terminated
		return end != nil && end.ExitCode == 0
	})
}

func TestPing(t *testing.T) {
	h := start(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if code, body := h.call(method, "/status", []byte("[]")); code != http.StatusOK || strings.TrimSpace(string(body)) != "[]" {
			t.Errorf("%s answered %d %s", method, code, body)
		}
	}
}

// failsToCreate sends a create that must fail, and returns its answer.
func (h *harness) failsToCreate(r wire.CreateRequest) (int, string) {
	h.t.Helper()
	body, err := json.Marshal(r)
	h.must(err)
	code, text := h.call(http.MethodPost, "/create", body)
	var answer wire.ErrorResponse
	h.must(json.Unmarshal(text, &answer))
	if code == http.StatusOK || answer.Detail == "" {
		h.t.Fatalf("answered %d %s", code, text)
	}
	return code, answer.Detail
}

// A pod that the plugin refuses: the user reads why in the pod's status.
func TestRefusalSaysWhy(t *testing.T) {
	h := start(t)
	r := podOf("refused", busybox("main", "config"))
	r.Pod.Spec.Volumes = []corev1.Volume{configMapVolume("config", "missing")}
	if code, detail := h.failsToCreate(r); code != http.StatusUnprocessableEntity || !strings.Contains(detail, "ConfigMap missing") {
		t.Errorf("answered %d %s", code, detail)
	}
	h.delete(r.Pod) // which InterLink sends for failed creates, too
}
