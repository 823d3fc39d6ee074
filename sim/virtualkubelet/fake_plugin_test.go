package virtualkubelet

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// fakePlugin answers as a test sets it up, and records the calls.
type fakePlugin struct {
	mu     sync.Mutex
	calls  []string // method, path, and the kind of session
	bodies []string
	create func(w http.ResponseWriter, body interlink.CreateBody)
	status func(w http.ResponseWriter, pod corev1.Pod)
}

func (d *fakePlugin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	kind, _, _ := strings.Cut(strings.Split(r.Header.Get(wire.SessionHeader), "#")[0], "-")
	d.mu.Lock()
	d.calls = append(d.calls, r.Method+" "+r.URL.Path+" "+kind)
	d.bodies = append(d.bodies, string(text))
	d.mu.Unlock()
	switch {
	case r.URL.Path == "/create":
		var body interlink.CreateBody
		if err := json.Unmarshal(text, &body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if d.create != nil {
			d.create(w, body)
			return
		}
		_, _ = fmt.Fprintf(w, `{"PodUID":%q,"PodJID":"jid"}`, body.Pod.UID)
	case r.URL.Path == "/status" && string(text) != "[]":
		var pods []corev1.Pod
		if err := json.Unmarshal(text, &pods); err != nil || len(pods) != 1 {
			http.Error(w, "the body is not one pod", http.StatusBadRequest)
			return
		}
		d.status(w, pods[0])
	case r.URL.Path == "/getLogs":
		_, _ = io.WriteString(w, "a line\n")
	}
}

func (d *fakePlugin) last() (call, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[len(d.calls)-1], d.bodies[len(d.bodies)-1]
}

// answerWith answers a status call with these containers.
func answerWith(main ...corev1.ContainerStatus) func(http.ResponseWriter, corev1.Pod) {
	return func(w http.ResponseWriter, pod corev1.Pod) {
		_ = json.NewEncoder(w).Encode([]wire.PodStatus{{Name: pod.Name, UID: string(pod.UID), Containers: main}})
	}
}

func answerWithText(code int, text string) func(http.ResponseWriter, corev1.Pod) {
	return func(w http.ResponseWriter, _ corev1.Pod) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}
}

func newKubelet(t *testing.T, plugin http.Handler) *Kubelet {
	t.Helper()
	server := httptest.NewServer(plugin)
	t.Cleanup(server.Close)
	k, err := New(Config{Plugin: server.URL, HeaderTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// neverRestarted returns the manifest of a pod with restartPolicy Never.
func neverRestarted(name string, containers ...string) *corev1.Pod {
	pod := podOf(name, containers...)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	return pod
}

func mustCreate(t *testing.T, k *Kubelet, pod *corev1.Pod) {
	t.Helper()
	if err := k.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

func wantPhases(t *testing.T, k *Kubelet, name string, want ...corev1.PodPhase) {
	t.Helper()
	if diff := cmp.Diff(want, k.Phases(name)); diff != "" {
		t.Errorf("phases of %s (-want +got):\n%s", name, diff)
	}
}
