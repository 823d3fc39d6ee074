package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// admin asks the admin server.
func (run *running) admin(t *testing.T, path string) answer {
	t.Helper()
	response, err := http.Get("http://" + run.AdminAddr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body), err}
}

func TestHealthAndReadiness(t *testing.T) {
	var broken error
	run := start(t, Options{App: config.App{AdminAddress: "localhost:0"}, Ready: []Check{
		{"cache", func(context.Context) error { return nil }},
		{"remote", func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a check has no deadline")
			}
			return broken
		}},
	}})
	if got := run.admin(t, "/healthz"); got.status != http.StatusOK || got.body != "ok\n" {
		t.Errorf("/healthz answered %d %q", got.status, got.body)
	}
	if got, want := run.admin(t, "/readyz"), "[+]shutdown ok\n[+]cache ok\n[+]remote ok\n"; got.status != http.StatusOK || got.body != want {
		t.Errorf("/readyz answered %d %q, want 200 %q", got.status, got.body, want)
	}
	broken = errors.New("connection\nrefused")
	got, want := run.admin(t, "/readyz"), "[+]shutdown ok\n[+]cache ok\n[-]remote failed: connection refused\n"
	if got.status != http.StatusServiceUnavailable || got.body != want {
		t.Errorf("/readyz answered %d %q, want 503 %q", got.status, got.body, want)
	}
}

func TestReadinessSeesTheShutdown(t *testing.T) {
	finish := make(chan struct{})
	lifecycle, began := working(func(context.Context) error { <-finish; return nil })
	run := start(t, Options{Lifecycle: lifecycle, App: config.App{AdminAddress: "localhost:0", ShutdownGrace: time.Hour}})
	answers := run.asking(t)
	within(t, "the create", began)
	run.stop()
	within(t, "the shutdown", run.stopping.Done())
	got := run.admin(t, "/readyz")
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "[-]shutdown failed: the plugin is shutting down") {
		t.Errorf("/readyz answered %d %q", got.status, got.body)
	}
	close(finish)
	within(t, "the answer", answers)
}

func TestAdminIsOffByDefault(t *testing.T) {
	run := start(t, Options{})
	if run.AdminAddr() != nil {
		t.Errorf("admin listens on %s", run.AdminAddr())
	}
	if got := run.ask(t, "GET", "/metrics", ""); got.status != http.StatusNotFound {
		t.Errorf("/metrics on the API answered %d", got.status)
	}
}

func TestMetrics(t *testing.T) {
	run := start(t, Options{App: config.App{AdminAddress: "localhost:0", Name: "interlink", Version: "1.2.3"}})
	run.ask(t, "POST", "/create", goodCreate)
	run.ask(t, "POST", "/create", "{}")
	run.ask(t, "GET", "/made/up", "")
	want := []string{
		`interlink_plugin_requests_total{code="200",route="/create"} 1`,
		`interlink_plugin_requests_total{code="422",route="/create"} 1`,
		`interlink_plugin_requests_total{code="404",route="other"} 1`,
		`interlink_plugin_request_duration_seconds_count{route="/create"} 2`,
		`interlink_plugin_requests_in_flight 0`,
		`interlink_plugin_build_info{name="interlink",version="1.2.3"} 1`,
		`go_goroutines `,
	}
	var body string
	eventually(t, "the requests are counted", func() bool { // after they are answered
		body = run.admin(t, "/metrics").body
		return strings.Contains(body, want[0]) && strings.Contains(body, want[2]) && strings.Contains(body, want[4])
	})
	for _, line := range want {
		if !strings.Contains(body, line) {
			t.Errorf("%s is not among\n%s", line, body)
		}
	}
}

func TestRegistryIsTheServersOwn(t *testing.T) {
	registry := prometheus.NewRegistry()
	options := Options{Lifecycle: new(fake), Registry: registry}
	newServer(t, options)
	newServer(t, Options{Lifecycle: new(fake)}) // no clash with the first
	if _, err := New(options); err == nil {
		t.Error("one registry was taken twice")
	}
	if families, err := registry.Gather(); err != nil || len(families) == 0 {
		t.Errorf("the given registry holds %d families, %v", len(families), err)
	}
}
