package play

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// liar is a plugin that runs nothing: it answers each create, says that the containers
// run for four polls, which are 20 s, and then that they have ended with exit code 0.
type liar struct {
	// before, if not nil, may answer a request instead; it then returns true.
	before func(w http.ResponseWriter, path string, pods []corev1.Pod) bool
	// endsAfter is the number of polls after which a pod has ended; the default is
	// pollsUntilEnd.
	endsAfter int

	mu      sync.Mutex
	polls   map[types.UID]int
	creates int
}

const pollsUntilEnd = 4

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	var pods []corev1.Pod
	switch r.URL.Path {
	case "/status":
		_ = json.Unmarshal(body, &pods)
	case "/delete":
		var pod corev1.Pod
		_ = json.Unmarshal(body, &pod)
		pods = append(pods, pod)
	case "/create":
		var request interlink.CreateBody
		_ = json.Unmarshal(body, &request)
		pods = append(pods, request.Pod)
	}
	if l.before != nil && l.before(w, r.URL.Path, pods) {
		return
	}
	switch r.URL.Path {
	case "/create":
		l.creates++
		_, _ = fmt.Fprintf(w, `{"PodUID":%q,"PodJID":"j"}`, pods[0].UID)
	case "/status":
		answer := []wire.PodStatus{}
		for i := range pods {
			answer = append(answer, l.statusOf(&pods[i]))
		}
		_ = json.NewEncoder(w).Encode(answer)
	case "/getLogs":
		_, _ = io.WriteString(w, "hello\n")
	}
}

// statusOf returns what the liar says about a pod.
func (l *liar) statusOf(pod *corev1.Pod) wire.PodStatus {
	if l.polls == nil {
		l.polls = map[types.UID]int{}
	}
	l.polls[pod.UID]++
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	if l.polls[pod.UID] > cmp.Or(l.endsAfter, pollsUntilEnd) {
		state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	}
	status := wire.PodStatus{Name: pod.Name, UID: string(pod.UID), Namespace: pod.Namespace, JID: "j"}
	for _, c := range pod.Spec.Containers {
		status.Containers = append(status.Containers, corev1.ContainerStatus{Name: c.Name, State: state})
	}
	for _, c := range pod.Spec.InitContainers {
		ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
		status.InitContainers = append(status.InitContainers, corev1.ContainerStatus{Name: c.Name, State: ended})
	}
	return status
}

// serve serves the liar, and returns its address.
func (l *liar) serve(t *testing.T) string {
	t.Helper()
	return serveOutside(t, l)
}

// serveOutside serves a plugin, and returns its address.
func serveOutside(t *testing.T, plugin http.Handler) string {
	t.Helper()
	server := httptest.NewServer(plugin)
	t.Cleanup(server.Close)
	return server.URL
}

// closeConnection closes a connection without an answer.
func closeConnection(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}
