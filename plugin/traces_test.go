package plugin_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/collector"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
)

// A request and the calls that it makes are one trace, and the log names it with InterLink's session. The watch, and
// what else runs in the background, has no span. The shutdown sends the last spans.
func TestATraceOfACreate(t *testing.T) {
	server, to := apiserver.ForTest(t), collector.ForTest(t, nil)
	h := startOn(t, server, func(s *settings) {
		s.config.K8s = config.K8s{Kubeconfig: config.Secret(server.Kubeconfig())}
		client, err := plugin.Connect(*s.config, "test")
		if err != nil {
			t.Fatal(err)
		}
		s.client, s.traces = client, []string{"ENABLE_TRACING=1", "TELEMETRY_ENDPOINT=" + to.GRPC}
		exposePorts(t, s, client)
	})
	container := busybox("main")
	container.Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
	request := podOf("traced", container)
	uid := string(request.Pod.UID)
	jid := h.create(request).PodJID
	h.status(request.Pod, jid)
	h.delete(request.Pod)
	h.eventually("the tunnel is closed", func() bool {
		records, err := h.admin.CoreV1().Secrets(h.prefix+"-bastions").List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
		return err == nil && len(records.Items) == 0
	})
	h.stop()
	testkit.Receive(t, "the plugin has stopped", h.stopped)

	root := map[string]collector.Span{}  // the spans of requests, by trace
	parts := map[string]collector.Span{} // those of parts of a request, by ID
	for _, span := range to.Spans() {
		switch span.Kind {
		case "SPAN_KIND_SERVER":
			root[span.TraceID] = span
		case "SPAN_KIND_INTERNAL":
			parts[span.SpanID] = span
		}
	}
	calls := map[string]int{} // by the name of the request and that of the call
	for _, span := range to.Spans() {
		if span.Kind == "SPAN_KIND_SERVER" {
			continue
		}
		parent, ok := root[span.TraceID]
		above := span.ParentID
		for part, below := parts[above]; below; part, below = parts[above] {
			above = part.ParentID
		}
		if !ok || above != parent.SpanID || strings.HasPrefix(span.Name, "watch") {
			t.Errorf("this call belongs to no request: %+v", span)
		}
		calls[parent.Name+": "+span.Name]++
		if span.Name == "create pods" && (span.Attributes["k8s.object.name"] != jid || span.Attributes["k8s.namespace.name"] != h.namespace("demo") || parent.Attributes["pod.uid"] != uid) {
			t.Errorf("got %+v in %+v", span, parent)
		}
	}
	for _, want := range []string{"POST /create: create namespaces", "POST /create: create pods", "POST /create: helm install", "POST /create: create deployments", "POST /delete: delete pods", "POST /delete: helm uninstall"} {
		if calls[want] == 0 {
			t.Errorf("there is no span of %s; there are %v", want, calls)
		}
	}
	for id, span := range root {
		switch {
		case span.Attributes["interlink.session"] != "Test#1" || span.Resource["service.name"] != "interlink-kubernetes-plugin":
			t.Errorf("got %+v", span)
		case span.Name == "POST /create":
			h.expectLogged("msg=created", "session=Test#1", "trace="+id, "uid="+uid)
		case span.Name == "POST /delete":
			h.expectLogged("msg=deleted", "session=Test#1", "trace="+id, "uid="+uid)
		}
	}
}

// exposePorts lets a plugin expose the TCP ports of pods, by Helm on the cluster of a client.
func exposePorts(t *testing.T, s *settings, client *plugin.Client) {
	t.Helper()
	tunnels := &s.config.TCPTunnel
	tunnels.Enabled, tunnels.GatewayHost, tunnels.GatewayPort, tunnels.GatewaySSHPrivateKey = true, "gateway.example.org", 30222, tunnelKey
	tunnels.BastionNamespace = s.config.Offloading.NamespacePrefix + "-bastions"
	s.tunnels = func(cfg config.Config) lifecycle.Tunnels {
		made, err := plugin.ConnectTunnels(cfg, client, testkit.NewLog(t).Logger())
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
}

const tunnelKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n-----END OPENSSH PRIVATE KEY-----\n"

// expectLogged expects that a line of the log has all these parts.
func (h *harness) expectLogged(parts ...string) {
	h.t.Helper()
	for _, line := range strings.Split(h.log.String(), "\n") {
		found := true
		for _, part := range parts {
			found = found && strings.Contains(line, part)
		}
		if found {
			return
		}
	}
	h.t.Errorf("no line of the log has %v", parts)
}

// oncePerPod refuses the first pod because of a quota.
type oncePerPod struct {
	full, next http.RoundTripper
	refused    atomic.Bool
}

func (o *oncePerPod) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods") && o.refused.CompareAndSwap(false, true) {
		return o.full.RoundTrip(r)
	}
	return o.next.RoundTrip(r)
}

// The create of a pod that has waited for a quota is a trace of its own: no request asks for it.
func TestTheCreateOfAPodThatWaitedIsATrace(t *testing.T) {
	server, to := apiserver.ForTest(t), collector.ForTest(t, nil)
	h := startOn(t, server, func(s *settings) {
		transport := rest.CopyConfig(server.Config)
		transport.Wrap(func(next http.RoundTripper) http.RoundTripper { return &oncePerPod{full: &fullQuota{}, next: next} })
		client, err := kubernetes.NewForConfig(transport)
		if err != nil {
			t.Fatal(err)
		}
		s.client, s.traces = client, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + to.HTTP}
	})
	waits := podOf("waits", busybox("main"))
	h.create(waits)
	h.eventually("the pod is created", func() bool { return strings.Contains(h.log.String(), "msg=created") })
	h.stop()
	testkit.Receive(t, "the plugin has stopped", h.stopped)
	traces, found := map[string]bool{}, false
	for _, span := range to.Spans() {
		if span.Name == "create a pod that waited" && span.ParentID == "" && span.Attributes["pod.uid"] == string(waits.Pod.UID) && !span.Failed {
			found = !traces[span.TraceID]
		}
		traces[span.TraceID] = true
	}
	if !found {
		t.Errorf("there is no such trace: %+v", to.Spans())
	}
}

// A collector that never answers delays no shutdown for longer than its grace: the limits of an export are an hour.
func TestACollectorThatHangsDelaysNoShutdown(t *testing.T) {
	to := collector.ForTest(t, nil)
	to.Hang(true)
	h := start(t, func(s *settings) {
		s.config.App.ShutdownGrace = time.Millisecond
		s.traces = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + to.HTTP, "OTEL_EXPORTER_OTLP_TIMEOUT=3600000", "OTEL_BSP_EXPORT_TIMEOUT=3600000"}
	})
	h.create(podOf("created", corev1.Container{Name: "main", Image: "busybox"}))
	h.stop()
	testkit.Receive(t, "the plugin has stopped", h.stopped)
}
