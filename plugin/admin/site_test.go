package admin

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

const token = "correct-horse-battery-staple"

// site is a page that is served to a test.
type site struct {
	t         *testing.T
	handler   *Handler
	server    *httptest.Server
	client    *http.Client
	tokenFile string
	log       *testkit.Log
	clock     time.Time
}

// serve serves the page of a source.
func serve(t *testing.T, source Source, change ...func(*Options)) *site {
	t.Helper()
	s := &site{t: t, tokenFile: filepath.Join(t.TempDir(), "token"), log: testkit.NewLog(t), clock: now}
	s.writeToken(token)
	options := Options{
		TokenFile: s.tokenFile, Name: "interlink-kubernetes-plugin", Version: "v1.2.3", Instance: "site-a", Address: "plugin.example.org:8080",
		Hosts: []string{"Admin.Example.org"}, Source: source, Log: s.log.Logger(), Now: func() time.Time { return s.clock },
		Documents: map[string]Document{"/docs": {Title: "API", ContentType: textHTML, Content: []byte("<p>docs")}},
	}
	for _, c := range change {
		c(&options)
	}
	var err error
	if s.handler, err = New(options); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(s.server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

func (s *site) writeToken(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.tokenFile, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// reply is an answer with its whole body.
type reply struct {
	*http.Response
	body string
}

// do sends a request; change may change it.
func (s *site) do(method, path string, form url.Values, change ...func(*http.Request)) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(r)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{answer, string(body)}
}

func (s *site) get(path string, change ...func(*http.Request)) reply {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, change...)
}

// signIn signs in, and returns the answer.
func (s *site) signIn(with string, change ...func(*http.Request)) reply {
	s.t.Helper()
	return s.do(http.MethodPost, "/login", url.Values{"token": {with}, "next": {"/config"}}, change...)
}

func withHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func withHost(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

func (r reply) expect(t *testing.T, code int, contains ...string) {
	t.Helper()
	if r.StatusCode != code {
		t.Errorf("%s %s answers %d, want %d:\n%s", r.Request.Method, r.Request.URL, r.StatusCode, code, r.body)
	}
	for _, want := range contains {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s %s does not contain %q:\n%s", r.Request.Method, r.Request.URL, want, r.body)
		}
	}
}
