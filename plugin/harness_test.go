package plugin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// harness runs the whole plugin on a real API server, and sends requests to its unix
// socket as InterLink does.
type harness struct {
	t      *testing.T
	admin  kubernetes.Interface
	prefix string
	http   *http.Client
	log    *testkit.Log
	plugin *plugin.Plugin
	stop   context.CancelFunc
	// stopped is closed when Run has returned.
	stopped chan struct{}
}

// settings are what a test can change before the plugin starts.
type settings struct {
	config *config.Config
	client kubernetes.Interface
	// tunnels makes the TCP tunnels; nil for none.
	tunnels func(config.Config) lifecycle.Tunnels
	// traces are the environment variables of traces.
	traces []string
}

// start starts a plugin on the API server that the tests share.
func start(t *testing.T, change ...func(*settings)) *harness {
	t.Helper()
	return startOn(t, apiserver.ForTest(t), change...)
}

// startOn starts a plugin on an API server.
func startOn(t *testing.T, server *apiserver.Server, change ...func(*settings)) *harness {
	t.Helper()
	socket := testkit.SocketPath(t)

	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + socket
	cfg.App.ShutdownGrace = 5 * time.Second
	cfg.Offloading.NamespacePrefix = fmt.Sprintf("t%08x", rand.Uint32())
	s := settings{config: &cfg, client: server.Client}
	for _, c := range change {
		c(&s)
	}
	h := &harness{t: t, admin: server.Client, prefix: cfg.Offloading.NamespacePrefix, log: testkit.NewLog(t)}
	var tunnels lifecycle.Tunnels
	if s.tunnels != nil {
		tunnels = s.tunnels(cfg)
	}
	p, err := plugin.New(cfg, s.client, tunnels, "test", h.log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	traces, err := tracing.Read(s.traces)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.StartTraces(traces, "test", h.log.Logger()); err != nil {
		t.Fatal(err)
	}
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.plugin, h.stopped = p, make(chan struct{})
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- p.Run(ctx); close(h.stopped) }()
	h.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(func() {
		h.stop()
		if err := <-result; err != nil {
			t.Errorf("Run returns %v", err)
		}
		if _, err := os.Stat(socket); !os.IsNotExist(err) {
			t.Errorf("the socket still exists after the plugin has stopped: %v", err)
		}
	})
	h.eventually("the pod cache is filled", func() bool {
		missing := withJobID(podOf("missing").Pod, "a-job")
		body, err := json.Marshal([]corev1.Pod{missing})
		h.must(err)
		code, _ := h.call(http.MethodGet, "/status", body)
		return code == http.StatusOK
	})
	return h
}

// namespace returns the remote namespace of the local one.
func (h *harness) namespace(local string) string {
	return scope.Scope{Prefix: h.prefix}.RemoteNamespace(local)
}

// call sends a request as InterLink does; a GET also has a body.
func (h *harness) call(method, path string, body []byte) (int, []byte) {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), method, "http://unix"+path, bytes.NewReader(body))
	h.must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(wire.SessionHeader, "Test#1")
	answer, err := h.http.Do(request)
	h.must(err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	h.must(err)
	return answer.StatusCode, text
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func (h *harness) eventually(what string, condition func() bool) {
	h.t.Helper()
	testkit.Eventually(h.t, what, condition)
}

// create sends a create, which must succeed. request is a body or is encoded as JSON.
func (h *harness) create(request any) wire.CreateResponse {
	h.t.Helper()
	body, ok := request.([]byte)
	if !ok {
		var err error
		body, err = json.Marshal(request)
		h.must(err)
	}
	code, text := h.call(http.MethodPost, "/create", body)
	if code != http.StatusOK {
		h.t.Fatalf("create answered %d %s", code, text)
	}
	var answer wire.CreateResponse
	h.must(json.Unmarshal(text, &answer))
	return answer
}

// status asks for the status of one pod. jid is empty for a pod that is not created yet.
func (h *harness) status(pod corev1.Pod, jid string) wire.PodStatus {
	h.t.Helper()
	pod = withJobID(pod, jid)
	body, err := json.Marshal([]corev1.Pod{pod})
	h.must(err)
	code, text := h.call(http.MethodGet, "/status", body)
	if code != http.StatusOK {
		h.t.Fatalf("status answered %d %s", code, text)
	}
	var answer []wire.PodStatus
	h.must(json.Unmarshal(text, &answer))
	if len(answer) != 1 || answer[0].UID != string(pod.UID) || answer[0].Name != pod.Name || answer[0].Namespace != pod.Namespace {
		h.t.Fatalf("status answered %s", text)
	}
	return answer[0]
}

// withJobID returns a copy of a local pod with the job ID that create returned.
func withJobID(pod corev1.Pod, jid string) corev1.Pod {
	pod = *pod.DeepCopy()
	if jid != "" {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[wire.AnnotationJobID] = jid
	}
	return pod
}

// delete sends a delete, which must succeed.
func (h *harness) delete(pod corev1.Pod) {
	h.t.Helper()
	body, err := json.Marshal(pod)
	h.must(err)
	if code, text := h.call(http.MethodPost, "/delete", body); code != http.StatusOK {
		h.t.Fatalf("delete answered %d %s", code, text)
	}
}

// remotePod returns the one remote pod of a local UID.
func (h *harness) remotePod(pod corev1.Pod) *corev1.Pod {
	h.t.Helper()
	list, err := h.admin.CoreV1().Pods("").List(h.t.Context(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(pod.UID))})
	h.must(err)
	if len(list.Items) != 1 {
		h.t.Fatalf("%d remote pods exist for %s/%s, want 1", len(list.Items), pod.Namespace, pod.Name)
	}
	return &list.Items[0]
}

// setStatus writes the status of a remote pod, as its kubelet does.
func (h *harness) setStatus(pod corev1.Pod, status corev1.PodStatus) {
	h.t.Helper()
	remote := h.remotePod(pod)
	remote.Status = status
	_, err := h.admin.CoreV1().Pods(remote.Namespace).UpdateStatus(h.t.Context(), remote, metav1.UpdateOptions{})
	h.must(err)
}
