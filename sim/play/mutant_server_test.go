package play

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// mutant is a plugin with one fault: a server between the virtual kubelet and the
// real plugin that changes requests or answers.
type mutant struct {
	fault string
	// scenario must fail with a difference of this rule of docs/contract.md (empty: of
	// none) that contains text.
	scenario, rule, text string
	answer               answerFunc
}

// answerFunc answers a call of InterLink with a code and a body.
type answerFunc func(*call) (int, []byte)

// call is one call of InterLink to the plugin.
type call struct {
	path   string
	body   []byte
	send   func(body []byte) (int, []byte) // sends the call to the plugin with this body
	remote kubernetes.Interface            // the remote cluster
	seen   *sync.Map                       // what the mutant keeps over all calls
}

// forward sends the call to the plugin as it is.
func (c *call) forward() (int, []byte) { return c.send(c.body) }

// serve starts the mutant in front of the plugin at an address.
func (m mutant) serve(address string, remote kubernetes.Interface) (front string, stop func()) {
	socket := strings.TrimPrefix(address, "unix://")
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	var seen sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c := &call{path: r.URL.Path, body: body, remote: remote, seen: &seen}
		c.send = func(body []byte) (int, []byte) {
			request, _ := http.NewRequestWithContext(r.Context(), r.Method, "http://plugin"+r.URL.Path, bytes.NewReader(body))
			response, err := client.Do(request)
			if err != nil {
				return http.StatusBadGateway, []byte(err.Error())
			}
			defer func() { _ = response.Body.Close() }()
			text, _ := io.ReadAll(response.Body)
			return response.StatusCode, text
		}
		code, text := m.answer(c)
		w.WriteHeader(code)
		_, _ = w.Write(text)
	}))
	return "http://" + server.Listener.Addr().String(), func() { server.Close(); client.CloseIdleConnections() }
}

// play plays the mutant's scenario against it.
func (m mutant) play(t *testing.T) report.Scenario {
	t.Helper()
	return m.playWith(t, nil)
}

// playWith does the same with a plugin whose client of the remote cluster is changed.
func (m mutant) playWith(t *testing.T, change func(kubernetes.Interface) kubernetes.Interface) report.Scenario {
	t.Helper()
	result, err := Run(t.Context(), scenarios(t, m.scenario), Options{Timeout: 5 * time.Minute, intercept: m.serve, change: change})
	if err != nil {
		t.Fatal(err)
	}
	return result.Scenarios[0]
}
