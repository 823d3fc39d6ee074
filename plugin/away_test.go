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

// The remote API server goes away and comes back: the node stays Ready, known
// pods keep their last state, nothing is guessed, creates say so, deletes are
// made up for.
func TestRemoteClusterGoesAway(t *testing.T) {
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
	h.kubelet(known.Pod, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{of("main", running())}})
	h.eventuallyStatus(known.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Running != nil })

	if err := server.Down(); err != nil {
		t.Fatal(err)
	}
	if code, body := h.call(http.MethodGet, "/status", []byte("[]")); code != http.StatusOK {
		t.Errorf("the ping is answered %d %s", code, body)
	}
	if answer := h.status(known.Pod, jid); answer.Containers[0].State.Running == nil {
		t.Errorf("a known pod is %+v", answer.Containers[0].State)
	}
	body, err := json.Marshal([]corev1.Pod{withJobID(unknown.Pod, "a-job")})
	h.must(err)
	if code, text := h.call(http.MethodGet, "/status", body); code != http.StatusServiceUnavailable {
		t.Errorf("an unknown pod is answered %d %s", code, text)
	}
	if code, detail := h.failsToCreate(unknown); code != http.StatusServiceUnavailable || !strings.Contains(detail, "not done within 2s") {
		t.Errorf("a create is answered %d %s", code, detail)
	}
	h.delete(deleted.Pod) // is answered 200 all the same

	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	h.eventually("the delete is made up for", func() bool { return h.objects(string(deleted.Pod.UID)) == "" })
	if answer := h.create(unknown); answer.PodUID != string(unknown.Pod.UID) {
		t.Errorf("create answered %+v", answer)
	}
	h.kubelet(known.Pod, corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{of("main", terminated(0, "Completed"))}})
	h.eventuallyStatus(known.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Terminated != nil })
}
