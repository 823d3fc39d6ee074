package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// faults replace the handlers of a fake plugin; those that are nil work.
type faults struct {
	create, status, delete http.HandlerFunc
}

// fakePlugin starts a plugin whose pods end at once, and returns its address.
func fakePlugin(t *testing.T, f faults) string {
	t.Helper()
	mux := http.NewServeMux()
	var created sync.Map // by UID
	mux.HandleFunc("/create", func(w http.ResponseWriter, r *http.Request) {
		if f.create != nil {
			f.create(w, r)
			return
		}
		var request struct{ Pod corev1.Pod }
		_ = json.NewDecoder(r.Body).Decode(&request)
		created.Store(request.Pod.UID, true)
		_, _ = fmt.Fprintf(w, `{"PodUID":%q,"PodJID":"j"}`, request.Pod.UID)
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var pods []corev1.Pod
		_ = json.Unmarshal(body, &pods)
		if f.status != nil && len(pods) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
			f.status(w, r)
			return
		}
		answer := []map[string]any{}
		for _, pod := range pods {
			main := corev1.ContainerStatus{Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}}
			if _, ok := created.Load(pod.UID); ok {
				main.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
			}
			answer = append(answer, map[string]any{"name": pod.Name, "UID": pod.UID, "containers": []corev1.ContainerStatus{main}})
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
	mux.HandleFunc("/delete", func(w http.ResponseWriter, r *http.Request) {
		if f.delete != nil {
			f.delete(w, r)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}
