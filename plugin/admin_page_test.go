package plugin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

const pageToken = "Pag3TokenCanary-0123456789"

// page is the page of a running plugin, in which a reader is signed in.
type page struct {
	h      *harness
	client *http.Client
	url    string
}

// startWithPage starts a plugin with a page, and signs in.
func startWithPage(t *testing.T, change ...func(*settings)) *page {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(pageToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("localhost:%d", testkit.FreePort(t))
	h := start(t, append(change, func(s *settings) {
		s.config.App.AdminAddress, s.config.App.AdminTokenFile = address, file
	})...)
	jar, err := cookiejar.New(nil)
	h.must(err)
	p := &page{h: h, client: &http.Client{Jar: jar}, url: "http://" + address}
	answer, err := p.client.PostForm(p.url+"/login", url.Values{"token": {pageToken}})
	h.must(err)
	_ = answer.Body.Close()
	return p
}

func (p *page) get(path string) (int, string) {
	p.h.t.Helper()
	answer, err := p.client.Get(p.url + path)
	p.h.must(err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	p.h.must(err)
	return answer.StatusCode, string(body)
}

// shows waits until a path of the page shows all texts.
func (p *page) shows(path string, texts ...string) string {
	p.h.t.Helper()
	body := ""
	p.h.eventually(fmt.Sprintf("the page %s shows %q", path, texts), func() bool {
		code := 0
		code, body = p.get(path)
		for _, text := range texts {
			if code != http.StatusOK || !strings.Contains(body, text) {
				return false
			}
		}
		return true
	})
	return body
}

// The page follows a pod of a running plugin from its create to its end.
func TestPageOfAPod(t *testing.T) {
	p := startWithPage(t)
	request := podOf("shown", corev1.Container{Name: "main", Image: "registry.invalid/image"})
	request.Pod.Spec.NodeName = "virtual-node"
	created := p.h.create(request)
	remote := p.h.namespace(request.Pod.Namespace)
	path := "/pods/" + remote + "/" + created.PodJID
	p.shows("/", ">shown</a>", path, "Pending", "Requests")
	if body := p.shows(path, "Timeline", "Created", "not since the plugin started"); strings.Contains(body, "cannot be read") {
		t.Errorf("the events cannot be read:\n%s", body)
	}
	p.h.status(request.Pod, created.PodJID)
	p.shows(path, " ago</dd>") // InterLink has asked

	at := metav1.Now()
	p.h.setStatus(request.Pod, corev1.PodStatus{
		Phase: corev1.PodFailed, StartTime: &at,
		ContainerStatuses: []corev1.ContainerStatus{{Name: "main", RestartCount: 1, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: "OOMKilled", StartedAt: at, FinishedAt: at, Message: "a program wrote this",
		}}}},
	})
	if body := p.shows(path, "OOMKilled", "container main ended with exit code 137", "Ended"); strings.Contains(body, "a program wrote this") {
		t.Error("the page shows what a program wrote")
	}
	p.shows("/?phase=Failed&q=shown", ">shown</a>", "OOMKilled")
	p.h.delete(request.Pod)
	p.h.eventually("the page of the pod is gone", func() bool { code, _ := p.get(path); return code == http.StatusNotFound })
}

// The page of a pod shows the Helm releases of its tunnels, which are in another namespace, with their state.
func TestTunnelsOnThePageOfAPod(t *testing.T) {
	p := startWithPage(t, func(s *settings) {
		s.config.K8s = config.K8s{Kubeconfig: config.Secret(apiserver.ForTest(t).Kubeconfig())}
		client, err := plugin.Connect(*s.config, "test")
		if err != nil {
			t.Fatal(err)
		}
		s.client = client
		exposePorts(t, s, client)
	})
	container := busybox("main")
	container.Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
	request := podOf("exposed", container)
	created := p.h.create(request)
	p.shows("/pods/"+p.h.namespace(request.Pod.Namespace)+"/"+created.PodJID, "target of the TCP tunnels",
		"bastion-8080-"+string(request.Pod.UID), "exposes TCP port 8080, deployed in namespace "+p.h.prefix+"-bastions")
	p.h.delete(request.Pod)
}

// The page shows a pod that waits for a quota, the orphans, the documentation and where the configuration comes from.
func TestPagesOfWaitsOrphansAndConfiguration(t *testing.T) {
	quota := &fullQuota{hangs: make(chan struct{}), release: make(chan struct{})}
	quota.hung.Store(true) // nothing hangs
	server := apiserver.ForTest(t)
	p := startWithPage(t, func(s *settings) {
		limited := rest.CopyConfig(server.Config)
		limited.Wrap(func(next http.RoundTripper) http.RoundTripper { quota.next = next; return quota })
		client, err := kubernetes.NewForConfig(limited)
		if err != nil {
			t.Fatal(err)
		}
		s.client = client
	})
	waits := podOf("waits", busybox("main"))
	created := p.h.create(waits)
	const refusal = "exceeded quota: quota, requested: pods=1, used: pods=1, limited: pods=1"
	p.shows("/?phase=Waiting", ">waits</a>", "QuotaExceeded", refusal, "oldest")
	p.shows("/pods/"+p.h.namespace(waits.Pod.Namespace)+"/"+created.PodJID, "Accepted", refusal, "not yet")

	p.shows("/orphans", "No pod is marked.", "marked for 60m")
	if code, body := p.get("/docs"); code != http.StatusOK || !strings.Contains(body, "/getLogs") {
		t.Errorf("/docs answers %d %s", code, body)
	}
	for _, path := range []string{"/docs.css", "/openapi.json"} {
		if code, _ := p.get(path); code != http.StatusOK {
			t.Errorf("%s answers %d", path, code)
		}
	}
	p.shows("/config", "Every option has its default.")
	parsed, err := config.Parse([]string{"--offloading-node-pods=17"}, []string{"K8S_KUBECONFIG={\"users\":[{\"user\":{\"token\":\"" + canaries["kubeconfig"] + "\"}}]}"})
	p.h.must(err)
	p.h.plugin.ShowSettings(parsed)
	if body := p.shows("/config", "node_pods", "17", "flag --offloading-node-pods", "kubeconfig", "********", "environment K8S_KUBECONFIG"); strings.Contains(body, canaries["kubeconfig"]) || strings.Contains(body, "shutdown_grace") {
		t.Errorf("the configuration is\n%s", body)
	}
	p.shows("/config?all=1", "shutdown_grace")
	p.h.delete(waits.Pod)
	p.shows("/", "No pod is offloaded.")
}

// A file that cannot be used is found at the start.
func TestTheTokenOfThePageIsCheckedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for content, want := range map[string]string{"": "is empty", "short": "it needs at least 16"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := config.Defaults()
		cfg.App.AdminAddress, cfg.App.AdminTokenFile = "localhost:0", file
		_, err := plugin.New(cfg, fake.NewClientset(), nil, "test", testkit.NewLog(t).Logger())
		if err == nil || !strings.Contains(err.Error(), "[app] admin_token_file: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("a file with %q: %v", content, err)
		}
	}
}

// The page shows the capacity that the ping reports, and says why if there is none.
func TestCapacityOnThePage(t *testing.T) {
	addNode(t, apiserver.ForTest(t).Client, "page-a", "page", "cpu=8 memory=16Gi pods=110 example.com/gpu=4")
	p := startWithPage(t, reportNodes("page", func(*config.Config) {}))
	p.shows("/", "report_resources is nodes", "example.com/gpu", "0 of 4", "0 of 16Gi", "0 of 110")

	without := startWithPage(t)
	without.shows("/", "report_resources is off")
}
