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

// fakeKubelet is a kubelet that answers a request for logs with the name of the container
// and the options of the request.
type fakeKubelet struct {
	node string

	mu           sync.Mutex
	disconnected int // requests that the API server has ended
}

// startKubelet starts a fakeKubelet and creates its node.
func startKubelet(h *harness) *fakeKubelet {
	h.t.Helper()
	k := &fakeKubelet{node: "node-" + string(uuid.NewUUID())}
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

func (k *fakeKubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	<-r.Context().Done() // a log without new lines
	k.mu.Lock()
	defer k.mu.Unlock()
	k.disconnected++
}

// createOnNode creates a pod and binds it to the node of a kubelet.
func (h *harness) createOnNode(k *fakeKubelet, r wire.CreateRequest) {
	h.t.Helper()
	h.create(r)
	remote := h.remotePod(r.Pod)
	h.must(h.admin.CoreV1().Pods(remote.Namespace).Bind(h.t.Context(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: remote.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: k.node},
	}, metav1.CreateOptions{}))
}

// logRequest returns the body of a request for logs.
func logRequest(pod corev1.Pod, container string, opts wire.LogOpts) []byte {
	body, _ := json.Marshal(wire.LogRequest{ // the encoding of strings and numbers cannot fail
		Namespace: pod.Namespace, PodName: pod.Name, PodUID: string(pod.UID), ContainerName: container, Opts: opts,
	})
	return body
}

func TestLogs(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("logs", busybox("one"), busybox("two"))
	r.Pod.Spec.InitContainers = []corev1.Container{busybox("init")}
	h.createOnNode(k, r)
	since := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	for _, test := range []struct {
		name, container string
		opts            wire.LogOpts
		want            string
	}{
		{"a container", "two", wire.LogOpts{}, "container two\n"},
		{"an init container", "init", wire.LogOpts{}, "container init\n"},
		{"no container name: the first container", "", wire.LogOpts{}, "container one\n"},
		{"tail, timestamps, previous", "one", wire.LogOpts{Tail: 5, Timestamps: true, Previous: true}, "container one\nprevious=true\ntimestamps=true\ntailLines=5\n"},
		{"since seconds", "one", wire.LogOpts{SinceSeconds: 60}, "container one\nsinceSeconds=60\n"},
		{"since a time, which is preferred to seconds", "one", wire.LogOpts{SinceSeconds: 60, SinceTime: since}, "container one\nsinceTime=2026-11-23T01:02:03Z\n"},
		{"bytes", "one", wire.LogOpts{Bytes: 9}, "container one\nlimitBytes=9\n"},
		{"bytes, with the key of an older SDK", "one", wire.LogOpts{LimitBytes: 9}, "container one\nlimitBytes=9\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				code, text := h.call(method, "/getLogs", logRequest(r.Pod, test.container, test.opts))
				if code != http.StatusOK || string(text) != test.want {
					t.Errorf("%s gets %d %q, want %q", method, code, text, test.want)
				}
			}
		})
	}
	if code, text := h.call(http.MethodGet, "/getLogs", logRequest(r.Pod, "missing", wire.LogOpts{})); code != http.StatusUnprocessableEntity || !bytes.Contains(text, []byte("missing")) {
		t.Errorf("a container that does not exist gets %d %s", code, text)
	}
	unknown := podOf("unknown", busybox("main"))
	if code, text := h.call(http.MethodGet, "/getLogs", logRequest(unknown.Pod, "main", wire.LogOpts{})); code != http.StatusNotFound {
		t.Errorf("a pod that does not exist gets %d %s", code, text)
	}
}

// Without a container name, the plugin chooses the container that kubectl would choose.
func TestLogsOfTheDefaultContainer(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("default", busybox("one"), busybox("two"))
	r.Pod.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": "two"}
	h.createOnNode(k, r)
	if code, text := h.call(http.MethodGet, "/getLogs", logRequest(r.Pod, "", wire.LogOpts{})); code != http.StatusOK || string(text) != "container two\n" {
		t.Errorf("the request gets %d %q", code, text)
	}
}

// Without a container name, no log of a container is returned that the plugin or the remote
// cluster has added (docs/contract.md, LOGS-9). Admission in the remote cluster may put one first,
// and name it as the default of kubectl.
func TestLogsOfAnAddedContainer(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	for name, change := range map[string]func(*corev1.Pod){
		"admission": func(remote *corev1.Pod) {
			remote.Annotations["kubectl.kubernetes.io/default-container"] = "proxy"
			remote.Spec.Containers = append([]corev1.Container{{Name: "proxy", Image: "proxy"}}, remote.Spec.Containers...)
		},
		"mesh of an earlier version": func(remote *corev1.Pod) {
			delete(remote.Annotations, wire.AnnotationLogContainer)
			remote.Spec.Containers = append([]corev1.Container{{Name: "mesh-setup", Image: "mesh"}}, remote.Spec.Containers...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := podOf("added", busybox("one"), busybox("two"))
			h.create(r)
			remote := h.remotePod(r.Pod)
			pods := h.admin.CoreV1().Pods(remote.Namespace)
			h.must(pods.Delete(t.Context(), remote.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))
			changed := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: remote.Name, Labels: remote.Labels, Annotations: remote.Annotations}, Spec: remote.Spec}
			change(changed)
			changed.Spec.NodeName = k.node
			_, err := pods.Create(t.Context(), changed, metav1.CreateOptions{})
			h.must(err)
			h.eventually("the plugin returns the log", func() bool { // its cache needs a moment
				code, text := h.call(http.MethodGet, "/getLogs", logRequest(r.Pod, "", wire.LogOpts{}))
				if strings.Contains(string(text), "proxy") || strings.Contains(string(text), "mesh-setup") {
					t.Fatalf("the request gets %d %q", code, text)
				}
				return code == http.StatusOK && string(text) == "container one\n"
			})
		})
	}
}

// A caller that follows a log gets each line at once. When it disconnects, the request
// to the kubelet ends, also if there are no new lines (docs/contract.md, LOGS-6).
func TestFollowEndsWhenTheCallerDisconnects(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("follow", busybox("main"))
	h.createOnNode(k, r)
	ctx, disconnect := context.WithCancel(t.Context())
	defer disconnect()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://unix/getLogs", bytes.NewReader(logRequest(r.Pod, "main", wire.LogOpts{Follow: true})))
	h.must(err)
	answer, err := h.http.Do(request)
	h.must(err)
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReader(answer.Body)
	for _, want := range []string{"container main\n", "follow=true\n"} {
		if line, err := lines.ReadString('\n'); err != nil || line != want {
			t.Fatalf("the log has the line %q, %v; want %q", line, err, want)
		}
	}
	disconnect()
	h.eventually("the request to the kubelet ends", func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.disconnected == 1
	})
}

// When the plugin stops, a caller that follows a log sees that the log is incomplete.
func TestFollowEndsWhenThePluginStops(t *testing.T) {
	h := start(t)
	k := startKubelet(h)
	r := podOf("follow", busybox("main"))
	h.createOnNode(k, r)
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
		t.Errorf("the log ends without an error: %q", rest)
	}
}
