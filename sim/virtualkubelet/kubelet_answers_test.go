package virtualkubelet

import (
	"errors"
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

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

func TestCreateAnswersThatFailThePod(t *testing.T) {
	for name, test := range map[string]struct {
		code         int
		answer, want string
	}{
		"201":      {201, `{"PodUID":"UID","PodJID":"jid"}`, "answered 201"},
		"500":      {500, `{"detail":"no <quota>"}`, `no <quota>`},
		"an array": {200, `[{"PodUID":"UID","PodJID":"jid"}]`, "is a list, not one object"},
		"empty":    {200, ``, "the answer is empty"},
		"garbage":  {200, `{"PodUID":"UID"} and more`, "the answer is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(t, &fakePlugin{create: func(w http.ResponseWriter, body interlink.CreateBody) {
				w.WriteHeader(test.code)
				_, _ = io.WriteString(w, strings.ReplaceAll(test.answer, "UID\":\"UID", "UID\":\""+string(body.Pod.UID)))
			}})
			err := k.Create(t.Context(), podOf("p", "a"))
			var refusal *Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("create: %v; want %q", err, test.want)
			}
			wantPhases(t, k, "p", corev1.PodPending, corev1.PodFailed)
			status := k.Status("p")
			if strings.Contains(status.Message, "<") || status.ContainerStatuses[0].State.Terminated == nil {
				t.Errorf("status %v", status)
			}
			if err := k.Delete(t.Context(), "p"); err != nil {
				t.Errorf("delete of a failed create: %v", err)
			}
		})
	}
}

func TestCallsWithoutAnAnswer(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	for name, test := range map[string]struct{ address, want string }{
		"no socket":  {"unix://" + filepath.Join(t.TempDir(), "none.sock"), "no such file"},
		"refused":    {"http://" + closedPort(t), "refused"},
		"no headers": {server.URL, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := New(Config{Plugin: test.address, HeaderTimeout: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			if err := k.Create(t.Context(), podOf("p", "a")); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("create: %v; want %q", err, test.want)
			}
			wantPhases(t, k, "p", corev1.PodPending, corev1.PodFailed)
			if _, err := k.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("ping: %v; want %q", err, test.want)
			}
			if _, err := k.Logs(t.Context(), "p", "a", wire.LogOpts{}); err == nil {
				t.Error("no error for logs")
			}
		})
	}
}

// closedPort returns an address at which no program listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestInvalidPluginAddresses(t *testing.T) {
	for _, address := range []string{"", "unix://", "https://host:1", "host:1", "http://"} {
		if _, err := New(Config{Plugin: address}); err == nil {
			t.Errorf("no error for the address %q", address)
		}
	}
}

func TestAnswersThatDoNotChangeTheStatus(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, corev1.Pod){
		"not 200":    answerWithText(503, "busy"),
		"not JSON":   answerWithText(200, "<html>"),
		"an object":  answerWithText(200, `{"name":"p"}`),
		"empty list": answerWithText(200, "[]"),
		"no name": func(w http.ResponseWriter, pod corev1.Pod) {
			_, _ = fmt.Fprintf(w, `[{"UID":%q,"containers":[]}]`, pod.UID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := &fakePlugin{status: answerWith(status("a", running()))}
			k := newKubelet(t, plugin)
			mustCreate(t, k, neverRestarted("p", "a"))
			if err := k.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			plugin.status = answer
			if err := k.Poll(t.Context()); !errors.As(err, new(*StaleStatus)) {
				t.Errorf("poll: %v; want a *StaleStatus", err)
			}
			wantPhases(t, k, "p", corev1.PodPending, corev1.PodRunning)
		})
	}
}
