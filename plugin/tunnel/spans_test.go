package tunnel_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/collector"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// tracedEnv is an env whose tunnels use the plugin's own connection, with traces.
type tracedEnv struct {
	*env
	to     *collector.Collector
	traces *tracing.Tracing
	seen   int // the spans that were looked at
}

func newTracedEnv(t *testing.T) *tracedEnv {
	t.Helper()
	e := &tracedEnv{env: newEnv(t), to: collector.ForTest(t, nil)}
	client, err := cluster.Connect(config.K8s{Kubeconfig: config.Secret(apiserver.ForTest(t).Kubeconfig())}, "test")
	e.must(err)
	settings, err := tracing.Read([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + e.to.HTTP, "OTEL_BSP_SCHEDULE_DELAY=1"})
	e.must(err)
	e.traces, err = tracing.Start(settings, "plugin", "test", testkit.NewLog(t).Logger())
	e.must(err)
	t.Cleanup(func() { _ = e.traces.Shutdown(context.Background()) })
	client.Connection.Trace(e.traces)
	remote := client.Connection.Config()
	remote.Wrap(func(next http.RoundTripper) http.RoundTripper { return faultTransport{e.faults, next} })
	e.Tunnels, err = tunnel.New(remote, e.options)
	e.must(err)
	return e
}

// request does something within the span of a request, and returns what is below it: each span as its path, such as
// "helm install > create secrets", with "!" if it failed, without those that follow another of the same path.
func (e *tracedEnv) request(do func(context.Context)) (paths []string, spans map[string]collector.Span) {
	e.Helper()
	ctx, span := e.traces.Begin(e.Context(), "request", trace.SpanKindServer)
	do(ctx)
	span.End()
	var all []collector.Span
	testkit.Eventually(e.T, "the span of the request", func() bool {
		all = e.to.Spans()[e.seen:]
		return slices.ContainsFunc(all, func(s collector.Span) bool { return s.Name == "request" })
	})
	e.seen += len(all)
	byID, spans := map[string]collector.Span{}, map[string]collector.Span{}
	for _, s := range all {
		byID[s.SpanID] = s
	}
	for _, s := range all {
		if s.Name == "request" {
			continue
		}
		path := s.Name
		if s.Failed {
			path += "!"
		}
		above, ok := byID[s.ParentID]
		for ; ok && above.Name != "request"; above, ok = byID[above.ParentID] {
			path = above.Name + " > " + path
		}
		if !ok {
			e.Errorf("this span belongs to no request: %+v", s)
		}
		if _, ok := spans[path]; !ok {
			paths = append(paths, path)
		}
		spans[path] = s
	}
	slices.Sort(paths)
	return paths, spans
}

// Each operation of Helm is a span below that of the request, with the calls that Helm makes below it.
func TestSpansOfHelm(t *testing.T) {
	e := newTracedEnv(t)
	open := func(ctx context.Context) error { return e.Open(ctx, release, labels("a"), 8080, target) }
	expect := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s has the spans\n%q\nwant\n%q", what, got, want)
		}
	}

	paths, spans := e.request(func(ctx context.Context) {
		e.faults.set(func(_ int, r *http.Request) fault { // above the layer that makes spans of calls
			if permissionOf(r) == "create deployments.apps" {
				return forbidden
			}
			return ""
		})
		if err := open(ctx); !errdefs.Is(err, errdefs.Refused) {
			t.Errorf("Open returns %v", err)
		}
	})
	e.faults.set(nil)
	expect("an Open that fails", paths,
		"helm history", "helm history > list secrets", "helm install > create configmaps", "helm install > create secrets",
		"helm install > get", "helm install > get configmaps!", "helm install > get deployments!", "helm install > get secrets!",
		"helm install > list secrets", "helm install > update secrets", "helm install!", "helm uninstall",
		"helm uninstall > delete configmaps", "helm uninstall > delete deployments!", "helm uninstall > delete secrets",
		"helm uninstall > get", "helm uninstall > get secrets", "helm uninstall > list secrets", "helm uninstall > update secrets")

	if got := spans["helm install!"]; got.Attributes["error.type"] != string(errdefs.Refused) {
		t.Errorf("the span of an install that is refused is %+v", got)
	}

	paths, spans = e.request(func(ctx context.Context) { e.must(open(ctx)) })
	expect("Open", paths,
		"helm history", "helm history > list secrets", "helm install", "helm install > create configmaps",
		"helm install > create deployments", "helm install > create secrets", "helm install > get", "helm install > get configmaps!",
		"helm install > get deployments!", "helm install > get secrets!", "helm install > list secrets", "helm install > update secrets")
	for _, operation := range []string{"install", "history"} {
		got := spans["helm "+operation]
		if got.Kind != "SPAN_KIND_INTERNAL" || got.Attributes["helm.operation"] != operation || got.Attributes["helm.release.name"] != release ||
			got.Attributes["k8s.namespace.name"] != e.namespace || got.Attributes["error.type"] != "" {
			t.Errorf("the span of %s is %+v", operation, got)
		}
	}
	paths, _ = e.request(func(ctx context.Context) { e.must(open(ctx)) })
	expect("another Open", paths, "helm history", "helm history > list secrets")
	paths, _ = e.request(func(ctx context.Context) { e.must(e.Close(ctx, scope.TunnelSelector(uid))) })
	expect("Close", paths,
		"helm uninstall", "helm uninstall > delete configmaps", "helm uninstall > delete deployments", "helm uninstall > delete secrets",
		"helm uninstall > get", "helm uninstall > get secrets", "helm uninstall > list secrets", "helm uninstall > update secrets",
		"list secrets")

	e.must(open(t.Context())) // no request asks for it
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	if err := e.traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if more := e.to.Spans()[e.seen:]; len(more) > 0 {
		t.Errorf("without a request there are the spans %+v", more)
	}
	for _, line := range strings.Split(privateKey, "\n") {
		if line != "" && strings.Contains(e.to.Text(), line) {
			t.Error("a span has a part of the private key")
		}
	}
}
