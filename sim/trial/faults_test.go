package trial_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/trial"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// startPlugin starts the plugin with a simulated cluster in which each pod writes a line and ends, and returns its socket
// and a client of the cluster.
func startPlugin(t *testing.T) (socket string, remote kubernetes.Interface) {
	t.Helper()
	socket = testkit.SocketPath(t)
	clock := node.ScaledClock(50)
	logs := node.NewLogs(clock)
	remote = fakecluster.New(fakecluster.Options{Now: clock.Now, Logs: logs.Open}).Client()
	silent := slog.New(slog.DiscardHandler)
	nodes := node.New(node.Options{Client: remote, Clock: clock, Logs: logs, Log: silent, Behavior: func(*corev1.Pod) (scenario.Pod, bool) {
		return scenario.Pod{Containers: map[string]scenario.Container{"main": {Output: []string{"it runs"}}}}, true
	}})
	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + socket
	p, err := plugin.New(cfg, remote, nil, "test", silent)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- p.Run(ctx) }()
	nodesCtx, stopNodes := context.WithCancel(context.Background())
	go func() { ended <- nodes.Run(nodesCtx) }()
	t.Cleanup(func() {
		stop()
		first := testkit.Receive(t, "the plugin stops", ended)
		stopNodes()
		if err := errors.Join(first, testkit.Receive(t, "the nodes stop", ended)); err != nil {
			t.Error(err)
		}
	})
	return socket, remote
}

// A faultyWire passes calls to the plugin, and fails one kind of them in one way.
type faultyWire struct {
	call, fault string
	times       int // -1 for always
	address     string

	mu     sync.Mutex
	failed int
	seen   map[string]int
}

// faults are the ways in which a call fails: whether the plugin gets it, and what comes back.
var faults = map[string]struct {
	carried, silent bool
	code            int
}{
	"closed":        {},
	"503":           {code: http.StatusServiceUnavailable},
	"answer lost":   {carried: true},
	"500 after all": {carried: true, code: http.StatusInternalServerError},
	"no answer":     {silent: true},
	"silence after": {carried: true, silent: true},
}

// headers is how long a trial with a silent call waits for an answer: its other calls take less, also on a busy machine.
const headers = 5 * time.Second

// start serves the wire until the test ends.
func (f *faultyWire) start(t *testing.T, socket string) {
	t.Helper()
	f.seen = map[string]int{}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	toPlugin := &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "unix" }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an incomplete body is not JSON
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !f.fails(callOf(r, body)) {
			toPlugin.ServeHTTP(w, r)
			return
		}
		fault := faults[f.fault]
		if fault.carried {
			toPlugin.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		}
		switch {
		case fault.silent:
			<-r.Context().Done()
			fallthrough
		case fault.code == 0:
			panic(http.ErrAbortHandler)
		}
		http.Error(w, "failed on purpose", fault.code)
	}))
	t.Cleanup(func() { server.Close(); transport.CloseIdleConnections() })
	f.address = server.URL
}

func callOf(r *http.Request, body []byte) string {
	if call := strings.TrimPrefix(r.URL.Path, "/"); call != "status" || string(body) != "[]" {
		return call
	}
	return "ping"
}

// fails counts a call, and reports whether it fails.
func (f *faultyWire) fails(call string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[call]++
	if call != f.call || f.failed == f.times {
		return false
	}
	f.failed++
	return true
}

// Each call to the real plugin fails once and for good, before the plugin gets it and after. A pod that could be deleted is
// gone; of one that could not be, the words say how to delete it. A failure that passes ends the trial only if it is of the
// create, which InterLink does not repeat.
func TestEachCallOfATrialFails(t *testing.T) {
	socket, remote := startPlugin(t)
	var trials sync.WaitGroup
	number := 0
	for _, call := range []string{"ping", "create", "status", "getLogs", "delete"} {
		for fault, how := range faults {
			for _, times := range []int{1, -1} {
				if how.silent && times < 0 {
					continue // it takes long, and is for good like the others
				}
				number++
				w := &faultyWire{call: call, fault: fault, times: times}
				w.start(t, socket)
				pod := trial.Pod("demo", fmt.Sprintf("p-%d", number), "i", []string{"run"})
				trials.Go(func() { tryOver(t, w, pod, remote) })
			}
		}
	}
	trials.Wait()
}

// tryOver sends a pod over a wire, and checks what is said and what is left.
func tryOver(t *testing.T, w *faultyWire, pod *corev1.Pod, remote kubernetes.Interface) {
	var said strings.Builder
	options := trial.Options{
		Kubelet: virtualkubelet.Config{Plugin: w.address}, Pod: pod, Expect: "it runs",
		Startup: time.Minute, Timeout: time.Minute, Every: 10 * time.Millisecond,
		Say: func(step, text string) { fmt.Fprintf(&said, "%s %s\n", step, text) },
	}
	if faults[w.fault].silent {
		options.Kubelet.HeaderTimeout = headers
	}
	if w.times < 0 && w.call == "ping" {
		options.Startup = time.Millisecond
	}
	if w.times < 0 && w.call == "status" {
		options.Timeout = time.Second
	}
	err := trial.Run(t.Context(), options)
	left := remotePods(t, remote, pod.Name)
	failf := func(format string, args ...any) {
		t.Errorf("%s of %s fails with %s, %d times: %s; the trial ends with %v\n%s", w.call, pod.Name, w.fault, w.times, fmt.Sprintf(format, args...), err, &said)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	step := map[string]string{"ping": "plugin: ", "getLogs": "log: "}[w.call]
	switch {
	case w.failed == 0:
		failf("the call was not sent")
	case w.times > 0 && w.call != "create":
		if err != nil || !strings.Contains(said.String(), "delete accepted") {
			failf("want no error, and the delete")
		}
	case err == nil || !strings.HasPrefix(err.Error(), cmp.Or(step, w.call+": ")) || strings.Contains(err.Error(), "\n"):
		failf("want one line about this step")
	case w.call == "ping" && (w.seen["create"] > 0 || !strings.HasSuffix(err.Error(), "start the plugin, or correct its address")):
		failf("want no create, and what to do")
	case w.call == "delete":
		_, uid, found := strings.Cut(err.Error(), "kubectl delete pods -A -l "+wire.LabelPodUID+"=")
		if !found {
			failf("want how to delete what may be left")
		}
		if !faults[w.fault].carried {
			if len(left) != 1 || left[0].Labels[wire.LabelPodUID] != uid {
				failf("the words are about the pod %s, and these pods are left: %v", uid, left)
			}
			return
		}
	}
	for deadline := time.Now().Add(testkit.Timeout); len(remotePods(t, remote, pod.Name)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			failf("the pod is left")
			return
		}
	}
}

// remotePods returns the remote pods of a local one.
func remotePods(t *testing.T, remote kubernetes.Interface, name string) []corev1.Pod {
	t.Helper()
	pods, err := remote.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Error(err)
		return nil
	}
	return slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return pod.Annotations[wire.AnnotationSourceName] != name })
}
