package plugin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The remote API server goes down and comes up again. Meanwhile the node stays Ready,
// known pods keep their last state, other pods have no state, creates fail with a reason,
// and deletes are retried.
func TestRemoteAPIServerGoesDownAndUp(t *testing.T) {
	server, err := apiserver.Start(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	h := startOn(t, server, func(s *settings) { s.config.Offloading.CreateTimeout = 2 * time.Second })
	known, deleted, unknown := podOf("known", busybox("main")), podOf("deleted", busybox("main")), podOf("unknown", busybox("main"))
	jid := h.create(known).PodJID
	h.create(deleted)
	h.setStatus(known.Pod, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{statusOf("main", running())}})
	h.eventuallyStatus(known.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Running != nil })

	if err := server.Down(); err != nil {
		t.Fatal(err)
	}
	if code, body := h.call(http.MethodGet, "/status", []byte("[]")); code != http.StatusOK {
		t.Errorf("the ping gets %d %s", code, body)
	}
	if answer := h.status(known.Pod, jid); answer.Containers[0].State.Running == nil {
		t.Errorf("a known pod has the state %+v", answer.Containers[0].State)
	}
	body, err := json.Marshal([]corev1.Pod{withJobID(unknown.Pod, "a-job")})
	h.must(err)
	if code, text := h.call(http.MethodGet, "/status", body); code != http.StatusServiceUnavailable {
		t.Errorf("the status of an unknown pod gets %d %s", code, text)
	}
	if code, detail := h.createFails(unknown); code != http.StatusServiceUnavailable || !strings.Contains(detail, "not done within 2s") {
		t.Errorf("a create gets %d %s", code, detail)
	}
	h.delete(deleted.Pod) // succeeds all the same

	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	h.eventually("the delete is retried", func() bool { return h.objects(string(deleted.Pod.UID)) == "" })
	if answer := h.create(unknown); answer.PodUID != string(unknown.Pod.UID) {
		t.Errorf("create returns %+v", answer)
	}
	h.setStatus(known.Pod, corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{statusOf("main", terminated(0, "Completed"))}})
	h.eventuallyStatus(known.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
}
