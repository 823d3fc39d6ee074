package play

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// An address without a plugin is an error before anything is played.
func TestAddressWithoutPlugin(t *testing.T) {
	serve := func(handler http.HandlerFunc) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the client disconnects
			handler(w, r)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for _, test := range []struct{ name, address, text string }{
		{"a dead socket", "unix://" + filepath.Join(t.TempDir(), "absent"), "no such file"},
		{"a closed port", "http://127.0.0.1:1", "refused"},
		{"a port that accepts and does not answer", "http://" + silent.Addr().String(), "within 500ms"},
		{"a web server", serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello</html>") }), "is no plugin"},
		{"a web server without this path", serve(http.NotFound), "404"},
		{"an empty answer", serve(func(http.ResponseWriter, *http.Request) {}), "is no plugin"},
		{"a server that does not answer", serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), "within 500ms"},
		{"a server that answers slowly", serve(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}), "within 500ms"},
		{"a server whose answer does not end", serve(func(w http.ResponseWriter, r *http.Request) {
			for text := strings.Repeat("[", 1<<20); r.Context().Err() == nil; {
				if _, err := io.WriteString(w, text); err != nil {
					return
				}
			}
		}), ""},
		{"a server that closes the connection", serve(func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		}), "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Run(t.Context(), scenarios(t), Options{Plugin: test.address, CallTimeout: 500 * time.Millisecond})
			if err == nil || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "goroutine") {
				t.Errorf("error %v, want one that contains %q", err, test.text)
			}
		})
	}
}

// A log that does not end is cut.
func TestEndlessLog(t *testing.T) {
	m := mutant{answer: on("/getLogs", func(c *call) (int, []byte) { return 200, []byte(strings.Repeat("x", 2*maxLog)) })}
	result, err := Run(t.Context(), scenarios(t, "plain-pod"), Options{intercept: m.serve})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(result.Scenarios[0].Texts()); !strings.Contains(got, "longer than") {
		t.Errorf("differences %s", got)
	}
}

// A plugin that answers every call with success and does nothing fails.
func TestPluginThatDoesNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/create":
			var request struct{ Pod corev1.Pod }
			_ = json.Unmarshal(body, &request)
			_, _ = fmt.Fprintf(w, `{"PodUID":%q,"PodJID":"j"}`, request.Pod.UID)
		case "/status":
			var pods []corev1.Pod
			_ = json.Unmarshal(body, &pods)
			answer := []map[string]any{}
			for _, pod := range pods {
				answer = append(answer, map[string]any{"name": pod.Name, "UID": pod.UID, "containers": []any{}})
			}
			_ = json.NewEncoder(w).Encode(answer)
		}
	}))
	t.Cleanup(server.Close)
	result, err := Run(t.Context(), scenarios(t, "plain-pod", "exit-code", "volume-configmap"), Options{Plugin: server.URL, Client: clusterWithNodes(t), Parallel: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		if s.Verdict != report.Failed {
			t.Errorf("%s %s", s.Name, s.Verdict)
		}
	}
	if got := strings.Join(result.Scenarios[2].Texts(), "\n"); !strings.Contains(got, "has 0 Pods") {
		t.Errorf("differences %s", got)
	}
}

// A scenario that exceeds its timeout ends with that difference; the next one is
// still played.
func TestScenarioTimeout(t *testing.T) {
	result, err := Run(t.Context(), scenarios(t, "plain-pod", "exit-code"), Options{
		Timeout: 300 * time.Millisecond, Parallel: 1,
		intercept: mutant{answer: func(c *call) (int, []byte) { time.Sleep(time.Second); return c.forward() }}.serve,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		if got := fmt.Sprint(s.Texts()); s.Verdict != report.Failed || !strings.Contains(got, "within 300ms") {
			t.Errorf("%s %s: %s", s.Name, s.Verdict, got)
		}
	}
}
