package play

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// The log of a running container is followed before its pod is deleted, and must end
// with it.
func TestFollowedLog(t *testing.T) {
	result, err := Run(t.Context(), scenarios(t, "logs-follow"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := result.Scenarios[0]; s.Verdict != report.Passed {
		t.Errorf("%s: %q", s.Verdict, s.Texts())
	}

	var mu sync.Mutex
	var calls []string
	plugin := &liar{}
	deleted := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/getLogs" && r.URL.Path != "/delete" {
			plugin.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		calls = append(calls, r.URL.Path)
		mu.Unlock()
		if r.URL.Path == "/delete" {
			close(deleted)
			return
		}
		var request wire.LogRequest
		_ = json.NewDecoder(r.Body).Decode(&request)
		_, _ = w.Write([]byte("first\n"))
		if !request.Opts.Follow {
			return
		}
		_ = http.NewResponseController(w).Flush() // the log begins
		<-deleted                                 // and ends with the pod
		_, _ = w.Write([]byte("second\n"))
	})
	plugin.endsAfter = 1000
	result, err = Run(t.Context(), scenarios(t, "logs-follow"), Options{Plugin: serveOutside(t, handler), virtual: true})
	if err != nil {
		t.Fatal(err)
	}
	if s := result.Scenarios[0]; s.Verdict == report.Failed || calls[0] != "/getLogs" {
		t.Errorf("calls %q; %s: %q", calls, s.Verdict, strings.Join(s.Texts(), "; "))
	}
}
