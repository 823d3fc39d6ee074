package faultproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
)

// text is the answer of the API server of the tests. It is large enough for a part of it
// to arrive alone.
var text = strings.Repeat("the answer of the API server\n", 1000)

// An apiServer counts what it carries out.
type apiServer struct {
	*httptest.Server
	carried atomic.Int32
	mu      sync.Mutex
	seen    []faultproxy.Call
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.carried.Add(1)
		body, _ := io.ReadAll(r.Body)
		if token := r.Header.Get("Authorization"); token != "Bearer of the API server" {
			t.Errorf("the API server gets the credentials %q", token)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text+string(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// start starts a proxy for the server, and returns a client of the proxy.
func (s *apiServer) start(t *testing.T, http1 bool, rules ...faultproxy.Rule) (*faultproxy.Proxy, *http.Client, string) {
	t.Helper()
	proxy, err := faultproxy.Start(faultproxy.Options{
		Server: &rest.Config{Host: s.URL, BearerToken: "of the API server"}, HTTP1: http1, Rules: rules,
		Seen: func(c faultproxy.Call) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.seen = append(s.seen, c)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	config, err := clientcmd.RESTConfigFromKubeConfig(proxy.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return proxy, client, config.Host
}

func rule(t *testing.T, text string) faultproxy.Rule {
	t.Helper()
	r, err := faultproxy.ParseRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// post creates a pod, and returns what a client sees.
func post(ctx context.Context, client *http.Client, host string) (code int, kind, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, host+"/api/v1/namespaces/demo/pods", strings.NewReader("a pod"))
	if err != nil {
		return 0, "", "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = answer.Body.Close() }()
	read, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(read), err
}

// Each fault is what its name says, over HTTP/2 and HTTP/1.1: the client sees it, and the
// API server carries out the request only if the fault says so.
func TestFaults(t *testing.T) {
	const json, html = "application/json", "text/html; charset=utf-8"
	for name, want := range map[string]struct {
		code int
		kind string
		body string // a part of it
	}{
		"401": {401, json, "Unauthorized"}, "403-rights": {403, json, `namespace \"demo\"`},
		"403-quota":           {403, json, "exceeded quota: failed-on-purpose, requested: count/pods=1, used: count/pods=30, limited: count/pods=30"},
		"403-quota-unknown":   {403, json, "status unknown for quota"},
		"403-service-account": {403, json, `error looking up service account demo/default`},
		"403-roles":           {403, json, "RBAC: clusterrole"},
		"408":                 {408, json, `"code":408`}, "409": {409, json, `"reason":"Conflict"`}, "410": {410, json, `"reason":"Expired"`},
		"413": {413, json, "Request entity too large: limit is"}, "429": {429, json, "TooManyRequests"},
		"500": {500, json, "InternalError"}, "500-too-large": {500, json, "etcdserver: request is too large"},
		"503": {503, json, "ServiceUnavailable"}, "504": {504, json, `"reason":"Timeout"`},
		"html-200": {200, html, "Please log in"}, "html-403": {403, html, "Forbidden"}, "html-404": {404, html, "Not Found"}, "html-502": {502, html, "Bad Gateway"},
		"empty-200": {200, json, ""}, "reset-before": {}, "reset-after": {}, "body-cut": {200, json, text[:1000]}, "body-short": {200, json, text[:1000]},
		"stall": {}, "stall-answer": {}, "stall-10s": {},
	} {
		fault, err := faultproxy.FaultByName(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, http1 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http1=%v", name, http1), func(t *testing.T) {
				t.Parallel()
				server := newAPIServer(t)
				_, client, host := server.start(t, http1, rule(t, "POST pods #1: "+name))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if strings.HasPrefix(name, "stall") {
					if !fault.Carried {
						time.AfterFunc(200*time.Millisecond, cancel)
					} else {
						go func() { // it is certain then that the answer stalls
							for server.carried.Load() == 0 {
								time.Sleep(time.Millisecond)
							}
							cancel()
						}()
					}
				}
				code, kind, body, err := post(ctx, client, host)
				if code != want.code || kind != want.kind || !strings.Contains(body, want.body) {
					t.Errorf("the client sees %d %s %.300s, %v", code, kind, body, err)
				}
				if cut := want.code == 0 || name == "body-cut"; cut != (err != nil) {
					t.Errorf("the error is %v", err)
				}
				if strings.HasPrefix(name, "body-") && len(body) > len(text)/2+10 {
					t.Errorf("%d bytes arrive of %d", len(body), len(text))
				}
				if carried := server.carried.Load() == 1; carried != fault.Carried {
					t.Errorf("the API server carries out the request: %v", carried)
				}
				code, _, body, err = post(t.Context(), client, host)
				if code != http.StatusOK || body != text+"a pod" || err != nil {
					t.Errorf("the next call is answered %d %.100s, %v", code, body, err)
				}
			})
		}
	}
}

// The table of TestFaults has all faults, and the list for users has a line for each.
func TestEachFaultHasATest(t *testing.T) {
	source, err := os.ReadFile("proxy_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faultproxy.Faults() {
		if !strings.Contains(string(source), `"`+f.Name+`":`) || f.Help == "" {
			t.Errorf("%s has no test or no help", f.Name)
		}
	}
}

// A reset over HTTP/1.1 and HTTP/2 is one of the TCP connection, also after the request was
// carried out; the hook is called in between.
func TestHook(t *testing.T) {
	server := newAPIServer(t)
	for name, carried := range map[string]int32{"reset-before": 0, "reset-after": 1} {
		before := server.carried.Load()
		r := rule(t, "* * in demo #1: "+name)
		hooked := make(chan int32, 1)
		r.Hook = func(faultproxy.Call) { hooked <- server.carried.Load() - before }
		_, client, host := server.start(t, false, r)
		if _, _, _, err := post(t.Context(), client, host); err == nil {
			t.Errorf("%s: the call succeeds", name)
		}
		if got := testkit.Receive(t, "the call of the hook", hooked); got != carried {
			t.Errorf("%s: the API server has carried out %d calls when the hook is called, want %d", name, got, carried)
		}
	}
}

// Rules count the calls that they match. The first rule that has a call decides.
func TestRules(t *testing.T) {
	server := newAPIServer(t)
	proxy, client, host := server.start(t, false,
		rule(t, "GET pods/log: 410"), rule(t, "POST namespaces in new: 409"), rule(t, "* * in other #2-3: 503"),
		rule(t, "LIST pods in other: 504"), rule(t, "WATCH pods: 429"))
	get := func(method, path, body string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, host+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	const pods = "/api/v1/namespaces/other/pods"
	for n, call := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/api/v1/namespaces/demo/pods/p/log", "", 410},
		{"GET", "/api/v1/namespaces/demo/pods/p", "", 200},
		{"POST", "/api/v1/namespaces", `{"metadata":{"name":"new"}}`, 409},
		{"POST", "/api/v1/namespaces", `{"metadata":{"name":"another"}}`, 200},
		{"PATCH", pods + "/p", "", 200},
		{"GET", pods, "", 504},
		{"GET", "/api/v1/pods", "", 200},
		{"GET", "/api/v1/pods?watch=true", "", 429},
		{"DELETE", pods + "/p", "", 503},
		{"PUT", "/apis/apps/v1/namespaces/other/deployments/d", "", 503},
		{"PUT", "/apis/apps/v1/namespaces/other/deployments/d", "", 200},
		{"GET", "/version", "", 200},
	} {
		if got := get(call.method, call.path, call.body); got != call.want {
			t.Errorf("call %d, %s %s: %d, want %d", n, call.method, call.path, got, call.want)
		}
	}
	server.mu.Lock()
	seen := slices.Clone(server.seen)
	server.mu.Unlock()
	var failed []string
	for _, c := range seen {
		if c.Fault != "" {
			failed = append(failed, c.String()+" "+c.Fault)
		}
	}
	want := []string{"GET pods/log 410", "POST namespaces 409", "LIST pods 504", "WATCH pods 429", "DELETE pods 503", "PUT deployments 503"}
	if !slices.Equal(failed, want) {
		t.Errorf("these calls failed: %v, want %v", failed, want)
	}
	proxy.SetRules()
	if got := get("GET", "/api/v1/namespaces/demo/pods/p/log", ""); got != http.StatusOK {
		t.Errorf("without rules: %d", got)
	}
}

// A client without the token of the proxy gets nothing from the API server.
func TestToken(t *testing.T) {
	server := newAPIServer(t)
	proxy, _, host := server.start(t, false)
	config, err := clientcmd.RESTConfigFromKubeConfig(proxy.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config.BearerToken = "another"
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, _, err := post(t.Context(), client, host); code != http.StatusUnauthorized || err != nil || server.carried.Load() != 0 {
		t.Errorf("the answer is %d, %v, and the API server got %d calls", code, err, server.carried.Load())
	}
}

// If the API server cannot be reached, the client's connection ends without an answer.
func TestServerDown(t *testing.T) {
	server := newAPIServer(t)
	_, client, host := server.start(t, false)
	server.Close()
	if code, _, _, err := post(t.Context(), client, host); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the client sees %d, %v", code, err)
	}
}
