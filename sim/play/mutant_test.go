package play

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// call is one of InterLink's on its way to the plugin.
type call struct {
	path    string
	body    []byte
	forward func(body []byte) (int, []byte)
	remote  kubernetes.Interface // as the plugin sees it
	memory  *sync.Map            // of the mutant, over all calls
}

func (c *call) on() (int, []byte) { return c.forward(c.body) }

// mutant is a plugin with one fault, the scenario that finds it, and words of the
// first difference.
type mutant struct {
	name     string
	scenario string
	words    string
	answer   func(*call) (int, []byte)
}

// on mutates the calls to one path.
func on(path string, answer func(*call) (int, []byte)) func(*call) (int, []byte) {
	return func(c *call) (int, []byte) {
		if c.path != path {
			return c.on()
		}
		return answer(c)
	}
}

// statuses mutates what is said of a pod.
func statuses(mutate func(*wire.PodStatus)) func(*call) (int, []byte) {
	return on("/status", func(c *call) (int, []byte) {
		code, text := c.on()
		var all []wire.PodStatus
		if json.Unmarshal(text, &all) != nil {
			return code, text
		}
		for i := range all {
			mutate(&all[i])
		}
		text, _ = json.Marshal(all)
		return code, text
	})
}

// each mutates what is said of each container.
func each(mutate func(*corev1.ContainerStatus)) func(*call) (int, []byte) {
	return statuses(func(s *wire.PodStatus) {
		for _, list := range [][]corev1.ContainerStatus{s.InitContainers, s.Containers} {
			for i := range list {
				mutate(&list[i])
			}
		}
	})
}

// creates mutates the pod, and what it comes with, before the plugin sees it.
func creates(mutate func(pod, request map[string]any)) func(*call) (int, []byte) {
	return on("/create", func(c *call) (int, []byte) {
		var request map[string]any
		if err := json.Unmarshal(c.body, &request); err != nil {
			return http.StatusBadRequest, []byte(err.Error())
		}
		mutate(request["pod"].(map[string]any), request)
		body, _ := json.Marshal(request)
		return c.forward(body)
	})
}

// before does something ahead of the calls to one path that are about a pod.
func before(path string, something func(c *call, uid string)) func(*call) (int, []byte) {
	return on(path, func(c *call) (int, []byte) {
		var pod corev1.Pod
		_ = json.Unmarshal(c.body, &pod)
		something(c, string(pod.UID))
		return c.on()
	})
}

// annotate sets an annotation; "" takes it away.
func annotate(pod map[string]any, name, value string) {
	annotations := pod["metadata"].(map[string]any)["annotations"].(map[string]any)
	annotations[name] = value
	if value == "" {
		delete(annotations, name)
	}
}

func containers(pod map[string]any, mutate func(map[string]any)) {
	for _, list := range []string{"containers", "initContainers"} {
		items, _ := pod["spec"].(map[string]any)[list].([]any)
		for _, item := range items {
			mutate(item.(map[string]any))
		}
	}
}

// logs mutates the request for a log.
func logs(mutate func(request, opts map[string]any)) func(*call) (int, []byte) {
	return on("/getLogs", func(c *call) (int, []byte) {
		var request map[string]any
		_ = json.Unmarshal(c.body, &request)
		mutate(request, request["Opts"].(map[string]any))
		body, _ := json.Marshal(request)
		return c.forward(body)
	})
}

func created(c *call) (uid string, first bool) {
	var request struct{ Pod corev1.Pod }
	_ = json.Unmarshal(c.body, &request)
	_, again := c.memory.LoadOrStore(request.Pod.UID, true)
	return string(request.Pod.UID), !again
}

func says(code int, text string) func(*call) (int, []byte) {
	return func(*call) (int, []byte) { return code, []byte(text) }
}

// front puts a mutant between InterLink and the plugin at an address.
func (m mutant) front(address string, remote kubernetes.Interface) (string, func()) {
	socket := strings.TrimPrefix(address, "unix://")
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	var memory sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c := &call{path: r.URL.Path, body: body, remote: remote, memory: &memory}
		c.forward = func(body []byte) (int, []byte) {
			request, _ := http.NewRequestWithContext(r.Context(), r.Method, "http://plugin"+r.URL.Path, bytes.NewReader(body))
			response, err := client.Do(request)
			if err != nil {
				return http.StatusBadGateway, []byte(err.Error())
			}
			defer func() { _ = response.Body.Close() }()
			text, _ := io.ReadAll(response.Body)
			return response.StatusCode, text
		}
		code, text := m.answer(c)
		w.WriteHeader(code)
		_, _ = w.Write(text)
	}))
	return "http://" + server.Listener.Addr().String(), func() { server.Close(); client.CloseIdleConnections() }
}

func (m mutant) play(t *testing.T) report.Scenario {
	t.Helper()
	result, err := Run(t.Context(), all(t, m.scenario), Options{Timeout: 2 * time.Minute, intercept: m.front})
	if err != nil {
		t.Fatal(err)
	}
	return result.Scenarios[0]
}
