package plugin_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/collector"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Secrets of the configuration and of pods go through every path of the plugin, also through those that
// fail, and none is in the log of any level, in an answer, in a metric, in a span, or on the admin page.
func TestSecretsStaySecret(t *testing.T) {
	server := apiserver.ForTest(t)
	transport, err := rest.TransportFor(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(server.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Authorization") // the transport has the credentials of the API server
	}}
	remote := &echo{real: proxy}
	front := httptest.NewTLSServer(remote)
	defer front.CloseClientConnections() // ends the watch, for which Close would wait

	var said, pages bytes.Buffer
	var mu sync.Mutex
	cfg := config.Defaults()
	cfg.K8s = config.K8s{Kubeconfig: config.Secret(testkit.Kubeconfig(front, canaries["kubeconfig"]))}
	cfg.TCPTunnel.GatewaySSHPrivateKey = config.Secret("-----BEGIN OPENSSH PRIVATE KEY-----\n" + canaries["gateway key"] + "\n-----END OPENSSH PRIVATE KEY-----\n")
	socket := testkit.SocketPath(t)
	cfg.App.SocketAddress, cfg.App.AdminAddress = "unix://"+socket, fmt.Sprintf("localhost:%d", testkit.FreePort(t))
	cfg.App.AdminTokenFile = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(cfg.App.AdminTokenFile, []byte(pageToken), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.App.ShutdownGrace = time.Second // what is left of the pods that were echoed does not end
	cfg.Offloading.NamespacePrefix, cfg.Offloading.CreateTimeout = "canary", 2*time.Second
	cfg.Mesh.Enabled, cfg.Mesh.WhenOff = false, config.RunWithoutMesh
	cfg.Offloading.PodSecurity = config.PodSecurityPrivileged
	client, err := plugin.Connect(cfg, "test")
	if err != nil {
		t.Fatal(err)
	}
	log := testkit.NewLog(t)
	p, err := plugin.New(cfg, client, nil, "test", log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := config.Parse([]string{"--app-admin-address=" + cfg.App.AdminAddress, "--app-admin-token-file=" + cfg.App.AdminTokenFile}, []string{"K8S_KUBECONFIG=" + string(cfg.K8s.Kubeconfig)})
	if err != nil {
		t.Fatal(err)
	}
	p.ShowSettings(parsed)
	traces := collector.ForTest(t, nil)
	toCollector, err := tracing.Read([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + traces.HTTP, "OTEL_EXPORTER_OTLP_HEADERS=authorization=" + canaries["collector"]})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.StartTraces(toCollector, "test", log.Logger()); err != nil {
		t.Fatal(err)
	}
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	h := &harness{t: t, admin: server.Client, prefix: cfg.Offloading.NamespacePrefix, log: log, plugin: p, stop: stop}
	h.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	send := func(method, path string, body any) int {
		t.Helper()
		text, isText := body.(string)
		encoded := []byte(text)
		if !isText {
			var err error
			encoded, err = json.Marshal(body)
			if err != nil {
				t.Error(err)
			}
		}
		code, answer := h.call(method, path, encoded)
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&said, "%s %s: %d %s\n", method, path, code, answer)
		return code
	}
	expect := func(want int, method, path string, body any) {
		t.Helper()
		if got := send(method, path, body); got != want {
			t.Errorf("%s %s answers %d, want %d\n%s", method, path, got, want, said.String())
		}
	}

	pod := canaryCreate("works")
	h.eventually("the first create", func() bool { return send(http.MethodPost, "/create", pod) == http.StatusOK })
	expect(200, http.MethodPost, "/create", pod) // a second one
	jid := scope.Scope{Prefix: cfg.Offloading.NamespacePrefix}.Name(pod.Pod.Name, string(pod.Pod.UID))
	expect(200, http.MethodGet, "/status", []corev1.Pod{withJobID(pod.Pod, jid)})
	send(http.MethodGet, "/getLogs", wire.LogRequest{Namespace: pod.Pod.Namespace, PodName: pod.Pod.Name, PodUID: string(pod.Pod.UID), ContainerName: "main"})
	look := func(path string, shows ...string) {
		t.Helper()
		h.eventually(fmt.Sprintf("the page %s shows %q", path, shows), func() bool {
			body := pageBody(t, cfg.App.AdminAddress, path)
			pages.WriteString(body)
			return !slices.ContainsFunc(shows, func(text string) bool { return !strings.Contains(body, text) })
		})
	}
	page := "/pods/" + h.namespace(pod.Pod.Namespace) + "/" + jid
	for reason, texts := range map[string][]string{ // what a program wrote, and what is in its command, is in the status of a pod
		"RunContainerError": {"RunContainerError"}, "ErrImagePull": {"ErrImagePull", "&lt;script&gt;"},
	} {
		message := "exec: sh -c " + programCanary
		if reason == "ErrImagePull" {
			message = `no image "<script>alert(1)</script>"`
		}
		h.setStatus(pod.Pod, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: programCanary}},
		}}})
		look("/", append(texts, ">works</a>")...)
		look(page, append(texts, "Timeline", "secrets")...)
	}
	look("/config?all=1", "kubeconfig", "********", "gateway_ssh_private_key")
	look("/orphans", "Orphans")

	invalid := canaryCreate("invalid")
	invalid.Pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 70000}}
	expect(422, http.MethodPost, "/create", invalid)
	incomplete := canaryCreate("incomplete")
	incomplete.Containers[0].Secrets = nil
	expect(422, http.MethodPost, "/create", incomplete)

	remote.quota.Store(true)
	waits := canaryCreate("waits")
	expect(200, http.MethodPost, "/create", waits)
	expect(200, http.MethodGet, "/status", []corev1.Pod{waits.Pod})
	look("/?phase=Waiting", ">waits</a>", "QuotaExceeded")
	look("/pods/"+h.namespace(waits.Pod.Namespace)+"/"+scope.Scope{Prefix: cfg.Offloading.NamespacePrefix}.Name(waits.Pod.Name, string(waits.Pod.UID)), "Accepted")
	expect(200, http.MethodPost, "/delete", waits.Pod)
	remote.quota.Store(false)

	var calls sync.WaitGroup
	for _, code := range []int{200, 401, 403, 404, 409, 502} {
		calls.Go(func() {
			request := canaryCreate(fmt.Sprintf("echo-%d", code))
			away := request.Pod
			if got := send(http.MethodPost, "/create", request); got == http.StatusOK {
				t.Errorf("the create of pod %s succeeds", away.Name)
			}
			send(http.MethodGet, "/status", []corev1.Pod{away, pod.Pod})
			send(http.MethodPost, "/delete", away)
			send(http.MethodGet, "/getLogs", wire.LogRequest{Namespace: away.Namespace, PodName: away.Name, PodUID: string(away.UID), ContainerName: "main"})
		})
	}
	calls.Wait()

	// Bodies that are not what they should be, cut or changed next to a secret.
	whole, err := json.Marshal(canaryCreate("malformed"))
	h.must(err)
	for _, canary := range canaries {
		at := strings.Index(string(whole), canary)
		if at < 0 {
			continue
		}
		cut := string(whole[:at+len(canary)])
		expect(422, http.MethodPost, "/create", cut)
		if broken := strings.Replace(string(whole), `"`+canary, `1"`+canary, 1); broken != string(whole) {
			expect(422, http.MethodPost, "/create", broken)
		}
		send(http.MethodPost, "/create", strings.Replace(string(whole), canary, canary+`\u0000\ud800`, 1))
	}
	for _, field := range []string{`"pod"`, `"spec"`, `"containers"`, `"image"`, `"env"`, `"data"`, `"annotations"`, `"volumes"`, `"metadata"`} {
		expect(422, http.MethodPost, "/create", strings.Replace(string(whole), field+":", field+`:[["`+canaries["unknown key"]+`"]],"x":`, 1))
	}
	expect(404, http.MethodPost, "/nothing", string(whole))
	expect(200, http.MethodPost, "/delete", pod.Pod)

	metrics, err := http.Get("http://" + cfg.App.AdminAddress + "/metrics") //nolint:noctx // it ends with the test
	h.must(err)
	_, err = io.Copy(&said, metrics.Body)
	h.must(err)
	_ = metrics.Body.Close()
	stop()
	if err := testkit.Receive(t, "the end of the plugin", ended); err != nil {
		t.Error(err)
	}

	if len(traces.Spans()) == 0 {
		t.Error("the collector has no span")
	}
	if strings.Contains(pages.String(), programCanary) {
		t.Error("a page shows what a program wrote, or the command of a container")
	}
	for place, text := range map[string]string{"the log": log.String(), "an answer or a metric": said.String(), "a page": pages.String(), "a span": traces.Text()} {
		for name, canary := range canaries {
			forms := []string{canary, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(canary)), "=")[:len(canary)]}
			if slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(text, form) }) {
				t.Errorf("%s holds the canary of %s", place, name)
			}
		}
	}
}
