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

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// getAdmin sends a GET request to the admin address.
func (run *running) getAdmin(t *testing.T, path string) response {
	t.Helper()
	r, err := http.Get("http://" + run.AdminAddr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	return response{r.StatusCode, r.Header, string(body), err}
}

func TestHealthAndReadiness(t *testing.T) {
	var broken error
	run := start(t, Options{App: config.App{AdminAddress: "localhost:0"}, Ready: []Check{
		{Name: "cache", Check: func(context.Context) error { return nil }},
		{Name: "remote", Check: func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a check has no deadline")
			}
			return broken
		}},
	}})
	if got := run.getAdmin(t, "/healthz"); got.status != http.StatusOK || got.body != "ok\n" {
		t.Errorf("/healthz returns %d %q", got.status, got.body)
	}
	if got, want := run.getAdmin(t, "/readyz"), "[+]shutdown ok\n[+]cache ok\n[+]remote ok\n"; got.status != http.StatusOK || got.body != want {
		t.Errorf("/readyz returns %d %q, want 200 %q", got.status, got.body, want)
	}
	broken = errors.New("connection\nrefused")
	got, want := run.getAdmin(t, "/readyz"), "[+]shutdown ok\n[+]cache ok\n[-]remote failed: connection refused\n"
	if got.status != http.StatusServiceUnavailable || got.body != want {
		t.Errorf("/readyz returns %d %q, want 503 %q", got.status, got.body, want)
	}
	got, want = run.getAdmin(t, "/readyz?exclude=remote&exclude=unknown"), "[+]shutdown ok\n[+]cache ok\n[+]remote excluded: ok\n"
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("/readyz without a check returns %d %q, want 200 %q", got.status, got.body, want)
	}
}

// With verbose, checks are added that are not asked for, and do not count, without it.
func TestVerboseReadiness(t *testing.T) {
	check := func(name string, broken bool) Check {
		return Check{Name: name, Check: func(context.Context) error {
			if broken {
				return errors.New("missing:\ncreate pods")
			}
			return nil
		}}
	}
	for name, c := range map[string]struct {
		query         string
		cache, rights bool // whether they fail
		status        int
		want          string
	}{
		"without, one fails": {"", false, true, 200, "[+]shutdown ok\n[+]cache ok\n"},
		"as a kubelet asks":  {"?exclude=cache&exclude=other", true, true, 200, "[+]shutdown ok\n[+]cache excluded: ok\n"},
		"all is well":        {"?verbose", false, false, 200, "[+]shutdown ok\n[+]cache ok\n[+]credentials ok\n[+]rights ok\n"},
		"one fails":          {"?verbose", false, true, 503, "[+]shutdown ok\n[+]cache ok\n[+]credentials ok\n[-]rights failed: missing: create pods\n"},
		"with a value":       {"?verbose=1", false, true, 503, "[+]shutdown ok\n[+]cache ok\n[+]credentials ok\n[-]rights failed: missing: create pods\n"},
		"another fails":      {"?verbose", true, false, 503, "[+]shutdown ok\n[-]cache failed: missing: create pods\n[+]credentials ok\n[+]rights ok\n"},
		"one is excluded":    {"?verbose&exclude=rights", false, true, 200, "[+]shutdown ok\n[+]cache ok\n[+]credentials ok\n[+]rights excluded: ok\n"},
		"another word":       {"?verbosely", false, true, 200, "[+]shutdown ok\n[+]cache ok\n"},
	} {
		t.Run(name, func(t *testing.T) {
			run := start(t, Options{
				App: config.App{AdminAddress: "localhost:0"}, Ready: []Check{check("cache", c.cache)},
				Verbose: []Check{check("credentials", false), check("rights", c.rights)},
			})
			if got := run.getAdmin(t, "/readyz"+c.query); got.status != c.status || got.body != c.want {
				t.Errorf("the answer is %d %q, want %d %q", got.status, got.body, c.status, c.want)
			}
		})
	}
}

func TestReadinessFailsDuringShutdown(t *testing.T) {
	finish := make(chan struct{})
	lifecycle, started := working(func(context.Context) error { <-finish; return nil })
	run := start(t, Options{Lifecycle: lifecycle, App: config.App{AdminAddress: "localhost:0", ShutdownGrace: time.Hour}})
	responses := run.sendCreate(t)
	testkit.Receive(t, "the start of the create", started)
	run.stop()
	testkit.Receive(t, "the start of the shutdown", run.stopping.Done())
	got := run.getAdmin(t, "/readyz")
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "[-]shutdown failed: the plugin is shutting down") {
		t.Errorf("/readyz returns %d %q", got.status, got.body)
	}
	close(finish)
	testkit.Receive(t, "the response", responses)
}

func TestHealthIsDisabledByDefault(t *testing.T) {
	run := start(t, Options{})
	if run.AdminAddr() != nil {
		t.Errorf("the server listens on the admin address %s", run.AdminAddr())
	}
	if got := run.send(t, "GET", "/metrics", ""); got.status != http.StatusNotFound {
		t.Errorf("/metrics on the API returns %d", got.status)
	}
}

func TestMetrics(t *testing.T) {
	run := start(t, Options{App: config.App{AdminAddress: "localhost:0", Name: "interlink", Version: "1.2.3"}})
	run.send(t, "POST", "/create", goodCreate)
	run.send(t, "POST", "/create", "{}")
	run.send(t, "GET", "/made/up", "")
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
	testkit.Eventually(t, "the requests are counted", func() bool { // which happens after the response
		body = run.getAdmin(t, "/metrics").body
		return strings.Contains(body, want[0]) && strings.Contains(body, want[2]) && strings.Contains(body, want[4])
	})
	for _, line := range want {
		if !strings.Contains(body, line) {
			t.Errorf("%s is missing in\n%s", line, body)
		}
	}
}

func TestEachServerHasItsOwnRegistry(t *testing.T) {
	registry := prometheus.NewRegistry()
	options := Options{Lifecycle: new(fake), Registry: registry}
	newServer(t, options)
	newServer(t, Options{Lifecycle: new(fake)}) // no conflict with the first
	if _, err := New(options); err == nil {
		t.Error("New returns no error for a registry that is already in use")
	}
	if families, err := registry.Gather(); err != nil || len(families) == 0 {
		t.Errorf("the registry contains %d metric families, %v", len(families), err)
	}
}

// Health and metrics are open; all the rest belongs to the page, or is not there.
func TestThePageOnTheAdminAddress(t *testing.T) {
	paths := []string{"/", "/docs", "/openapi.json", "/nothing"}
	without := start(t, Options{App: config.App{AdminAddress: "localhost:0", APIDocsPath: "/docs"}})
	for _, path := range paths {
		if got := without.getAdmin(t, path); got.status != http.StatusNotFound || !strings.Contains(got.body, "[app] admin_token_file") {
			t.Errorf("without a page, %s returns %d %q", path, got.status, got.body)
		}
	}
	with := start(t, Options{App: config.App{AdminAddress: "localhost:0", APIDocsPath: "/docs"}, Admin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.URL.Path)
	})})
	for _, path := range paths {
		if got := with.getAdmin(t, path); got.status != http.StatusTeapot || got.body != path {
			t.Errorf("%s returns %d %q", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if got := with.getAdmin(t, path); got.status != http.StatusOK {
			t.Errorf("%s returns %d %q", path, got.status, got.body)
		}
	}
}
