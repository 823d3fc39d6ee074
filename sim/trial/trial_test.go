package trial_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/interlinkapi"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/serve"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/trial"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// run sends a pod, and returns what was said.
func run(ctx context.Context, kubelet virtualkubelet.Config, pod *corev1.Pod, expect string) (string, error) {
	var said strings.Builder
	err := trial.Run(ctx, trial.Options{
		Kubelet: kubelet, Pod: pod, Expect: expect, Startup: time.Minute, Timeout: 5 * time.Minute, Every: 10 * time.Millisecond,
		Say: func(step, text string) { fmt.Fprintf(&said, "%s %s\n", step, text) },
	})
	return said.String(), err
}

// simulated starts the plugin with a simulated cluster, and returns its address. There, the pod
// demo/good writes a line and ends, and demo/bad fails.
func simulated(t *testing.T) string {
	t.Helper()
	file, err := scenario.Parse("trial.yaml", []byte(`
apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: trial}
spec:
  description: One pod runs, and another one fails.
  nodes:
    good: {containers: {main: {run: 1s, output: [it runs]}}}
    bad: {containers: {main: {run: 1s, exitCodes: [3]}}}
  expect:
    pods:
      good: {phases: [Pending, Running, Succeeded]}
      bad: {phases: [Pending, Running, Failed]}
---
apiVersion: v1
kind: Pod
metadata: {name: good, namespace: demo}
spec: {restartPolicy: Never, containers: [{name: main, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: demo}
spec: {restartPolicy: Never, containers: [{name: main, image: i}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	options := serve.Options{Config: config.Defaults(), Scenarios: []*scenario.File{file}, Speed: 50, Version: "test", Log: slog.New(slog.DiscardHandler)}
	options.Config.App.SocketAddress = "unix://" + testkit.SocketPath(t)
	listening := make(chan struct{})
	options.Listening = func(net.Addr) { close(listening) }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve.Run(ctx, options) }()
	t.Cleanup(func() {
		stop()
		if err := testkit.Receive(t, "the plugin stops", ended); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-listening:
	case err := <-ended:
		t.Fatal(err)
	}
	return options.Config.App.SocketAddress
}

// The real plugin, and an InterLink API server in front of it, run the pod.
func TestTrialOfThePlugin(t *testing.T) {
	address := simulated(t)
	interLink := interlinkapi.New(address)
	t.Cleanup(interLink.Close)
	server := httptest.NewTLSServer(interLink)
	t.Cleanup(server.Close)
	throughInterLink := virtualkubelet.Config{Plugin: server.URL, InterLink: true, TLS: server.Client().Transport.(*http.Transport).TLSClientConfig}
	patch := func(pod *corev1.Pod, text string) *corev1.Pod {
		changed, err := trial.Override(pod, text)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	pod := func(name string) *corev1.Pod { return trial.Pod("demo", name, "i", []string{"run"}) }
	for _, test := range []struct {
		name    string
		kubelet virtualkubelet.Config
		pod     *corev1.Pod
		expect  string
		said    []string
		err     string
	}{
		{"a good pod", virtualkubelet.Config{Plugin: address}, pod("good"), "it runs",
			[]string{"plugin answers at " + address, "create accepted: the remote pod is good-", "status Pending", "status Succeeded", "log it runs", "delete accepted"}, ""},
		{"through InterLink", throughInterLink, pod("good"), "it runs",
			[]string{"create accepted: the remote pod is good-", "status Succeeded", "log it runs", "delete accepted"}, ""},
		{"a bad pod", virtualkubelet.Config{Plugin: address}, pod("bad"), "",
			[]string{"create accepted", "delete accepted"}, "status: the pod has failed: Failed, main ended with exit code 3"},
		{"another log", virtualkubelet.Config{Plugin: address}, pod("good"), "it walks",
			[]string{"status Succeeded", "delete accepted"}, `log: the log of container main is "it runs\n", without "it walks"`},
		{"a pod that is refused", virtualkubelet.Config{Plugin: address}, patch(pod("good"), `{"spec":{"hostNetwork":true}}`), "",
			[]string{"plugin answers", "delete accepted"}, "spec.hostNetwork must not be true"},
		{"refused through InterLink", throughInterLink, patch(pod("good"), `spec: {hostNetwork: true}`), "",
			[]string{"delete accepted"}, "create: the pod is refused with code 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, err := run(t.Context(), test.kubelet, test.pod, test.expect)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
			rest := said
			for _, want := range test.said {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("%q is not said, or too early, in\n%s", want, said)
				}
				rest = after
			}
		})
	}
}

// faulty is a plugin that answers a call wrongly.
func faulty(t *testing.T, change func(call string, w http.ResponseWriter) bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an incomplete body is not JSON
		call := strings.TrimPrefix(r.URL.Path, "/")
		if string(body) == "[]" {
			call = "ping"
		}
		if change(call, w) {
			return
		}
		switch call {
		case "ping":
			_, _ = io.WriteString(w, "[]")
		case "create":
			var request struct{ Pod corev1.Pod }
			_ = json.Unmarshal(body, &request)
			_ = json.NewEncoder(w).Encode(map[string]any{"PodUID": request.Pod.UID, "PodJID": "jid"})
		case "status":
			var pods []corev1.Pod
			_ = json.Unmarshal(body, &pods)
			state := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
			_ = json.NewEncoder(w).Encode([]any{map[string]any{"name": pods[0].Name, "UID": pods[0].UID, "namespace": pods[0].Namespace,
				"containers": []corev1.ContainerStatus{{Name: "main", State: state}}}})
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Each call that can fail fails: the error names the step and the cause, and the pod is deleted.
func TestTrialThatFails(t *testing.T) {
	answer := func(failing string, code int, text string) func(string, http.ResponseWriter) bool {
		return func(call string, w http.ResponseWriter) bool {
			if call == failing {
				w.WriteHeader(code)
				_, _ = io.WriteString(w, text)
			}
			return call == failing
		}
	}
	lose := func(failing string) func(string, http.ResponseWriter) bool {
		return func(call string, _ http.ResponseWriter) bool {
			if call == failing {
				panic(http.ErrAbortHandler)
			}
			return false
		}
	}
	waiting := `[{"name":"p","UID":"%s","namespace":"demo","containers":[{"name":"main","state":{"waiting":{"reason":"ImagePullBackOff","message":"no such image"}}}]}]`
	for _, test := range []struct {
		name   string
		change func(string, http.ResponseWriter) bool
		err    string
	}{
		{"nothing fails", answer("", 0, ""), ""},
		{"another server", answer("ping", 200, "hello"), `plugin: the server at `},
		{"no ping", answer("ping", 503, "no"), "plugin: there is no plugin at "},
		{"create refused", answer("create", 422, `{"detail":"no GPU for you"}`), "create: the pod is refused with code 422: no GPU for you"},
		{"create lost", lose("create"), "create: no answer: the connection was closed"},
		{"status refused", answer("status", 500, "broken"), "its last status is Pending, main waits: Remote pod submitted: The pod has been submitted to the remote plugin for creation; the status of pod p does not change: answered 500: broken"},
		{"status lost", lose("status"), "does not change: the connection was closed"},
		{"the pod waits", answer("status", 200, waiting), "its last status is Pending, main waits: ImagePullBackOff: no such image"},
		{"log refused", answer("getLogs", 500, "no"), "log: logs of pod p: Status code: 500"},
		{"log lost", lose("getLogs"), "log: logs of pod p: EOF"},
		{"delete refused", answer("delete", 500, "no"), "delete: delete of pod p was answered 500: no"},
		{"delete lost", lose("delete"), "delete: delete of pod p: the connection was closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := trial.Pod("demo", "p", "i", nil)
			pod.UID = "%s"
			var created, deleted atomic.Bool // a lost answer says nothing about the order of writes
			address := faulty(t, func(call string, w http.ResponseWriter) bool {
				switch call {
				case "create":
					created.Store(true)
				case "delete":
					deleted.Store(true)
				}
				return test.change(call, w)
			})
			var err error
			for _, limit := range []time.Duration{time.Second / 10, time.Second, 10 * time.Second, time.Minute} { // for a slow machine
				err = trial.Run(t.Context(), trial.Options{
					Kubelet: virtualkubelet.Config{Plugin: address}, Pod: pod, Startup: limit, Timeout: limit,
					Every: time.Millisecond, Say: func(string, string) {},
				})
				if err == nil || test.err != "" && strings.Contains(err.Error(), test.err) {
					break
				}
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
			if created.Load() != deleted.Load() {
				t.Errorf("created %t, deleted %t", created.Load(), deleted.Load())
			}
		})
	}
}

// A plugin that starts late is waited for; a trial that is stopped deletes its pod.
func TestTrialWaitsAndStops(t *testing.T) {
	pings, deleted := 0, false
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	address := faulty(t, func(call string, w http.ResponseWriter) bool {
		switch call {
		case "ping":
			pings++
			if pings < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return pings < 3
		case "status":
			stop()
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		case "delete":
			deleted = true
		}
		return false
	})
	_, err := run(ctx, virtualkubelet.Config{Plugin: address}, trial.Pod("demo", "p", "i", nil), "")
	if err == nil || !strings.Contains(err.Error(), "status: stopped before the pod had ended") || pings != 3 || !deleted {
		t.Errorf("%v after %d pings, deleted %t", err, pings, deleted)
	}
}

func TestOverride(t *testing.T) {
	pod := trial.Pod("demo", "p", "i", []string{"run"})
	changed, err := trial.Override(pod, `{"metadata":{"labels":{"queue":"a"}},"spec":{"containers":[{"name":"main","resources":{"limits":{"cpu":"2"}}}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	main := changed.Spec.Containers[0]
	if changed.Labels["queue"] != "a" || main.Resources.Limits.Cpu().String() != "2" || main.Image != "i" || len(changed.Spec.Containers) != 1 {
		t.Errorf("got %+v", changed)
	}
	for patch, want := range map[string]string{
		`{"spec":`:                                "yaml",
		`[]`:                                      "",
		`{"spec":{"hostNetworks":true}}`:          "hostNetworks",
		`{"spec":{"hostNetwork":"a"}}`:            "hostNetwork",
		`{"metadata":{"name":"q"}}`:               "the name and the namespace",
		`{"metadata":{"namespace":"q"}}`:          "the name and the namespace",
		`{"spec":{"containers":null}}`:            "no container",
		`{"spec":{},"spec":{"hostNetwork":true}}`: "already set",
	} {
		if _, err := trial.Override(pod, patch); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", patch, err, want)
		}
	}
}
