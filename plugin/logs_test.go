package plugin_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// kubeletLogs is the part of a kubelet that the API server asks for logs: it
// answers with the request's own words, so that a test sees what arrived.
type kubeletLogs struct {
	node string

	mu   sync.Mutex
	left int // followers that the API server has let go
}

func startKubelet(h *harness) *kubeletLogs {
	h.t.Helper()
	k := &kubeletLogs{node: "node-" + string(uuid.NewUUID())}
	server := httptest.NewTLSServer(k)
	h.t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	h.must(err)
	number, err := strconv.Atoi(port)
	h.must(err)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: k.node}}
	node, err = h.admin.CoreV1().Nodes().Create(h.t.Context(), node, metav1.CreateOptions{})
	h.must(err)
	node.Status = corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(number)}},
	}
	_, err = h.admin.CoreV1().Nodes().UpdateStatus(h.t.Context(), node, metav1.UpdateOptions{})
	h.must(err)
	return k
}

func (k *kubeletLogs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/") // /containerLogs/NAMESPACE/POD/CONTAINER
	_, _ = fmt.Fprintf(w, "container %s\n", parts[len(parts)-1])
	query := r.URL.Query()
	for _, name := range []string{"follow", "previous", "timestamps", "tailLines", "sinceSeconds", "sinceTime", "limitBytes"} {
		if query.Has(name) {
			_, _ = fmt.Fprintf(w, "%s=%s\n", name, query.Get(name))
		}
	}
	if query.Get("follow") != "true" {
		return
	}
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done() // a quiet stream
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left++
}

// onNode creates a pod and binds it to the kubelet's node.
func (h *harness) onNode(k *kubeletLogs, r wire.CreateRequest) {
	h.t.Helper()
	h.create(r)
	remote := h.remotePod(r.Pod)
	h.must(h.admin.CoreV1().Pods(remote.Namespace).Bind(h.t.Context(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: remote.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: k.node},
	}, metav1.CreateOptions{}))
}

func logRequest(pod corev1.Pod, container string, opts wire.LogOpts) []byte {
	body, _ := json.Marshal(wire.LogRequest{ // strings and numbers cannot fail
		Namespace: pod.Namespace, PodName: pod.Name, PodUID: string(pod.UID), ContainerName: container, Opts: opts,
	})
	return body
}

func TestLogs(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("logs", busybox("one"), busybox("two"))
	r.Pod.Spec.InitContainers = []corev1.Container{busybox("init")}
	h.onNode(k, r)
	since := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	for _, test := range []struct {
		name, container string
		opts            wire.LogOpts
		want            string
	}{
		{"all of a container", "two", wire.LogOpts{}, "container two\n"},
		{"an init container", "init", wire.LogOpts{}, "container init\n"},
		{"no container named: the first", "", wire.LogOpts{}, "container one\n"},
		{"tail, timestamps, previous", "one", wire.LogOpts{Tail: 5, Timestamps: true, Previous: true}, "container one\nprevious=true\ntimestamps=true\ntailLines=5\n"},
		{"since seconds", "one", wire.LogOpts{SinceSeconds: 60}, "container one\nsinceSeconds=60\n"},
		{"since a time, which outranks seconds", "one", wire.LogOpts{SinceSeconds: 60, SinceTime: since}, "container one\nsinceTime=2026-11-23T01:02:03Z\n"},
		{"bytes", "one", wire.LogOpts{Bytes: 9}, "container one\nlimitBytes=9\n"},
		{"bytes, as an old SDK says it", "one", wire.LogOpts{LimitBytes: 9}, "container one\nlimitBytes=9\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				code, text := h.call(method, "/getLogs", logRequest(r.Pod, test.container, test.opts))
				if code != http.StatusOK || string(text) != test.want {
					t.Errorf("%s answered %d %q, want %q", method, code, text, test.want)
				}
			}
		})
	}
	if code, text := h.call(http.MethodGet, "/getLogs", logRequest(r.Pod, "nobody", wire.LogOpts{})); code != http.StatusUnprocessableEntity || !bytes.Contains(text, []byte("nobody")) {
		t.Errorf("a container that is not there: %d %s", code, text)
	}
	unknown := podOf("unknown", busybox("main"))
	if code, text := h.call(http.MethodGet, "/getLogs", logRequest(unknown.Pod, "main", wire.LogOpts{})); code != http.StatusNotFound {
		t.Errorf("a pod that is not there: %d %s", code, text)
	}
}

// The default container is the one that kubectl would choose.
func TestLogsOfTheDefaultContainer(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("default", busybox("one"), busybox("two"))
	r.Pod.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": "two"}
	h.onNode(k, r)
	if code, text := h.call(http.MethodGet, "/getLogs", logRequest(r.Pod, "", wire.LogOpts{})); code != http.StatusOK || string(text) != "container two\n" {
		t.Errorf("answered %d %q", code, text)
	}
}

// A follower gets each line at once; when it leaves, the quiet stream behind it
// ends as far as the kubelet.
func TestFollowEndsWhenTheCallerLeaves(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("follow", busybox("main"))
	h.onNode(k, r)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://unix/getLogs", bytes.NewReader(logRequest(r.Pod, "main", wire.LogOpts{Follow: true})))
	h.must(err)
	answer, err := h.http.Do(request)
	h.must(err)
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReader(answer.Body)
	for _, want := range []string{"container main\n", "follow=true\n"} {
		if line, err := lines.ReadString('\n'); err != nil || line != want {
			t.Fatalf("read %q, %v", line, err)
		}
	}
	leave()
	h.eventually("the kubelet is rid of the follower", func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.left == 1
	})
}

// A follower is told of the end when the plugin stops.
func TestFollowEndsWhenThePluginStops(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("follow", busybox("main"))
	h.onNode(k, r)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://unix/getLogs", bytes.NewReader(logRequest(r.Pod, "main", wire.LogOpts{Follow: true})))
	h.must(err)
	answer, err := h.http.Do(request)
	h.must(err)
	defer func() { _ = answer.Body.Close() }()
	if _, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	h.stop()
	if rest, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("the stream ended as if it were whole: %q", rest)
	}
}
