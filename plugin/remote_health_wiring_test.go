package plugin

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// apiServer is a remote API server without pods, which can refuse all requests.
type apiServer struct{ refuse atomic.Bool }

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	say := func(code int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
	switch {
	case s.refuse.Load():
		say(401, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401,"message":"Unauthorized"}`)
	case r.URL.Query().Get("watch") != "":
		say(200, `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case strings.HasSuffix(r.URL.Path, "selfsubjectaccessreviews"):
		say(201, `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`)
	default:
		say(200, `{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
	}
}

// What the connection sees of the remote API server reaches InterLink in the ping, kubelets in readyz, and
// Prometheus in the metrics; and so does the end of it.
func TestARefusalIsSeenFromOutside(t *testing.T) {
	remote := &apiServer{}
	remote.refuse.Store(true)
	server := httptest.NewTLSServer(remote)
	defer server.CloseClientConnections() // ends the watch, for which Close would wait
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	cfg := config.Defaults()
	cfg.K8s = config.K8s{Kubeconfig: config.Secret(fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c",
		"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{"token":"t"}}],
		"clusters":[{"name":"c","cluster":{"server":%q,"certificate-authority-data":%q}}]}`, server.URL, ca))}
	socket := testkit.SocketPath(t)
	cfg.App.SocketAddress, cfg.App.AdminAddress = "unix://"+socket, "localhost:0"
	cfg.Offloading.NodePods = 20
	client, err := Connect(cfg, "test")
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(cfg, client, nil, "test", testkit.NewLog(t).Logger())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	defer func() {
		stop()
		if err := testkit.Receive(t, "the end of the plugin", ended); err != nil {
			t.Error(err)
		}
	}()

	get := func(client *http.Client, url, body string) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	admin := "http://" + p.server.AdminAddr().String()
	interlink := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	refused := regexp.MustCompile(`(?m)^interlink_plugin_remote_refused_seconds (\S+)$`)
	expect := func(accepted bool, line, pods string) {
		t.Helper()
		testkit.Eventually(t, "readyz has the line "+line, func() bool { return strings.Contains(get(http.DefaultClient, admin+"/readyz", ""), line) })
		if answer := get(interlink, "http://unix/status", "[]"); !strings.Contains(answer, `"pods":"`+pods+`"`) {
			t.Errorf("the ping is answered %s, want %s pods", answer, pods)
		}
		if found := refused.FindStringSubmatch(get(http.DefaultClient, admin+"/metrics", "")); found == nil || (found[1] == "0") != accepted {
			t.Errorf("accepted %v: the metric is %v", accepted, found)
		}
	}
	expect(false, "[-]remote-accepted failed: ", "0")
	remote.refuse.Store(false)
	testkit.Eventually(t, "the pod cache is filled", p.cluster.Synced)
	expect(true, "[+]remote-accepted ok", "20")
	testkit.Eventually(t, "the watch is fresh", func() bool {
		return strings.Contains(get(http.DefaultClient, admin+"/readyz", ""), "[+]watch-fresh ok")
	})
}
