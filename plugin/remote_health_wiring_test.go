package plugin

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
)

// apiServer is a remote API server without pods, but with the ledger of earlier ones. It can refuse all requests, or
// be away behind a proxy.
type apiServer struct{ refuse, away atomic.Bool }

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	say := func(code int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
	switch {
	case s.away.Load():
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(502)
	case s.refuse.Load():
		say(401, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401,"message":"Unauthorized"}`)
	case strings.HasSuffix(r.URL.Path, "/nodes") && r.URL.Query().Get("watch") != "":
		say(200, `{"type":"ADDED","object":{"kind":"Node","apiVersion":"v1","metadata":{"name":"n","resourceVersion":"1"},"status":{"allocatable":{"cpu":"4","pods":"10"},"conditions":[{"type":"Ready","status":"True"}]}}}
{"type":"BOOKMARK","object":{"kind":"Node","apiVersion":"v1","metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case r.URL.Query().Get("watch") != "":
		say(200, `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/configmaps/interlink-kubernetes-plugin-usage-"):
		say(200, fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":%q,"resourceVersion":"1"},"data":{"ledger.json":%q}}`, path.Base(r.URL.Path),
			`{"format":1,"until":"2026-01-02T00:00:00Z","namespaces":{"demo":{"changed":"2026-01-02T00:00:00Z","totals":{"cpu":"3600"}}}}`))
	case strings.HasSuffix(r.URL.Path, "selfsubjectaccessreviews"):
		say(201, `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`)
	default:
		say(200, `{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
	}
}

// outside is a plugin as InterLink, kubelets and Prometheus see it.
type outside struct {
	t         *testing.T
	plugin    *Plugin
	interlink *http.Client
	admin     string
	// stop stops the plugin and waits until it has; the end of the test does so too.
	stop func()
}

// startOutside runs a plugin for a played API server until the test ends.
func startOutside(t *testing.T, remote *apiServer, change func(*config.Config)) *outside {
	t.Helper()
	return runOutside(t, played(t, remote), nil, change, func(*Plugin) {})
}

// played returns the kubeconfig of a played API server that runs until the test ends.
func played(t *testing.T, remote http.Handler) string {
	server := httptest.NewTLSServer(remote)
	t.Cleanup(server.CloseClientConnections) // ends the watch, for which Close would wait
	return testkit.Kubeconfig(server, "t")
}

// runOutside runs a plugin until the test ends. begin is called before it runs.
func runOutside(t *testing.T, kubeconfig string, tunnels lifecycle.Tunnels, change func(*config.Config), begin func(*Plugin)) *outside {
	t.Helper()
	cfg := config.Defaults()
	cfg.K8s = config.K8s{Kubeconfig: config.Secret(kubeconfig)}
	socket := testkit.SocketPath(t)
	cfg.App.SocketAddress, cfg.App.AdminAddress = "unix://"+socket, "localhost:0"
	change(&cfg)
	client, err := Connect(cfg, "test")
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(cfg, client, tunnels, "test", testkit.NewLog(t).Logger())
	if err != nil {
		t.Fatal(err)
	}
	begin(p)
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := testkit.Receive(t, "the end of the plugin", ended); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &outside{t: t, plugin: p, stop: stop, admin: "http://" + p.server.AdminAddr().String(), interlink: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
}

func (o *outside) get(client *http.Client, url, body string) (int, string) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, url, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func (o *outside) ping() (int, string) { return o.get(o.interlink, "http://unix/status", "[]") }

func (o *outside) readyz() string {
	_, text := o.get(http.DefaultClient, o.admin+"/readyz", "")
	return text
}

// What the connection sees of the remote API server reaches InterLink in the ping, kubelets in readyz, and
// Prometheus in the metrics; and so does the end of it.
func TestARefusalIsSeenFromOutside(t *testing.T) {
	remote := &apiServer{}
	remote.refuse.Store(true)
	o := startOutside(t, remote, func(cfg *config.Config) { cfg.Offloading.NodePods = 20 })
	refused := regexp.MustCompile(`(?m)^interlink_plugin_remote_refused_seconds (\S+)$`)
	expect := func(accepted bool, line, pods string) {
		t.Helper()
		testkit.Eventually(t, "readyz has the line "+line, func() bool { return strings.Contains(o.readyz(), line) })
		if code, answer := o.ping(); code != http.StatusOK || !strings.Contains(answer, `"pods":"`+pods+`"`) {
			t.Errorf("the ping is answered %d %s, want %s pods", code, answer, pods)
		}
		_, metrics := o.get(http.DefaultClient, o.admin+"/metrics", "")
		if found := refused.FindStringSubmatch(metrics); found == nil || (found[1] == "0") != accepted {
			t.Errorf("accepted %v: the metric is %v", accepted, found)
		}
	}
	expect(false, "[-]remote-accepted failed: ", "0")
	remote.refuse.Store(false)
	testkit.Eventually(t, "the pod cache is filled", o.plugin.cluster.Synced)
	expect(true, "[+]remote-accepted ok", "20")
	testkit.Eventually(t, "the watch is fresh", func() bool { return strings.Contains(o.readyz(), "[+]watch-fresh ok") })
}

// With [k8s] unavailable_after, the ping of InterLink fails while the remote API server refuses the plugin, or does not
// answer, for that long, and says why; and it succeeds again afterwards.
func TestThePingFailsAfterUnavailableAfter(t *testing.T) {
	for name, trouble := range map[string]struct {
		fault func(*apiServer) *atomic.Bool
		words string
	}{
		"refused":     {func(s *apiServer) *atomic.Bool { return &s.refuse }, "does not accept the credentials"},
		"unreachable": {func(s *apiServer) *atomic.Bool { return &s.away }, "not the API server's: 502"},
	} {
		for _, after := range []time.Duration{0, time.Millisecond, time.Hour} {
			t.Run(fmt.Sprintf("%s, after %s", name, after), func(t *testing.T) {
				remote := &apiServer{}
				fault := trouble.fault(remote)
				fault.Store(true)
				o := startOutside(t, remote, func(cfg *config.Config) { cfg.K8s.UnavailableAfter = after })
				lasts := func() bool {
					return !o.plugin.cluster.Refused().Since.IsZero() || !o.plugin.cluster.Unreachable().Since.IsZero()
				}
				testkit.Eventually(t, "the trouble is seen", lasts)
				if after == time.Millisecond {
					testkit.Eventually(t, "the ping fails", func() bool { code, _ := o.ping(); return code == http.StatusServiceUnavailable })
					if _, answer := o.ping(); !strings.Contains(answer, trouble.words) {
						t.Errorf("the ping is answered %s", answer)
					}
				} else if code, answer := o.ping(); code != http.StatusOK {
					t.Errorf("the ping is answered %d %s", code, answer)
				}
				fault.Store(false)
				testkit.Eventually(t, "the trouble ends", func() bool { return !lasts() })
				if code, answer := o.ping(); code != http.StatusOK {
					t.Errorf("afterwards, the ping is answered %d %s", code, answer)
				}
			})
		}
	}
}
