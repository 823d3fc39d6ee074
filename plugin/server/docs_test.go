package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

func TestDocs(t *testing.T) {
	run := start(t, Options{App: config.App{APIDocsPath: "/docs", Name: "The <plugin>", Description: "what it does", Version: "1.2.3"}})
	page := run.send(t, "GET", "/docs", "")
	if page.status != http.StatusOK || page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("/docs returns %d %v", page.status, page.header)
	}
	for _, part := range []string{"The &lt;plugin&gt;", "what it does", "1.2.3", "/getLogs", "POST", `href="#CreateRequest"`, `id="CreateRequest"`} {
		if !strings.Contains(page.body, part) {
			t.Errorf("%q is missing on the page", part)
		}
	}
	for _, foreign := range []string{"http://", "https://", "<script", "<style", "style=", "ZgotmplZ", "<no value>"} {
		if strings.Contains(page.body, foreign) {
			t.Errorf("the page contains %q", foreign)
		}
	}
	if style := run.send(t, "GET", "/docs.css", ""); style.status != http.StatusOK || style.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("/docs.css returns %d %v", style.status, style.header)
	}
	if head := run.send(t, "HEAD", "/docs", ""); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD returns %d %q", head.status, head.body)
	}
	if post := run.send(t, "POST", "/docs", ""); post.status != http.StatusMethodNotAllowed {
		t.Errorf("POST returns %d", post.status)
	}
}

func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	run := start(t, Options{App: config.App{APIDocsPath: "/docs", Name: "plugin", Version: "1.2.3"}})
	got := run.send(t, "GET", "/openapi.json", "")
	var document struct {
		OpenAPI string                               `json:"openapi"`
		Info    map[string]string                    `json:"info"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(got.body), &document); err != nil {
		t.Fatal(err)
	}
	if document.OpenAPI != "3.1.0" || document.Info["title"] != "plugin" || document.Info["version"] != "1.2.3" {
		t.Errorf("openapi %q, info %v", document.OpenAPI, document.Info)
	}
	documented := map[string][]string{}
	for path, operations := range document.Paths {
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			documented[path] = append(documented[path], strings.ToUpper(method))
		}
	}
	served := map[string][]string{}
	for path, route := range run.apiRoutes() {
		served[path] = route.methods
	}
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("routes (-served +documented):\n%s", diff)
	}
}

func TestOpenAPIReferencesExist(t *testing.T) {
	var document struct {
		Components map[string]map[string]any `json:"components"`
	}
	if err := json.Unmarshal(openAPI, &document); err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(openAPI), `"$ref": "`)[1:] {
		reference, _, _ := strings.Cut(part, `"`)
		steps := strings.Split(reference, "/")
		if len(steps) != 4 || document.Components[steps[2]][steps[3]] == nil {
			t.Errorf("%s refers to nothing", reference)
		}
	}
}

func TestDocsPath(t *testing.T) {
	for _, path := range []string{"docs", "/create", "/openapi.json", "/docs.css"} {
		if _, err := New(Options{Lifecycle: new(fake), App: config.App{APIDocsPath: path}}); err == nil {
			t.Errorf("New returns no error for the path %q", path)
		}
	}
	run := start(t, Options{})
	for _, path := range []string{"/docs", "/openapi.json", "/docs.css"} {
		if got := run.send(t, "GET", path, ""); got.status != http.StatusNotFound {
			t.Errorf("%s returns %d although the documentation is disabled", path, got.status)
		}
	}
}
