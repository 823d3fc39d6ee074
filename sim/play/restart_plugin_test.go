package play

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// This plugin is stopped and started again; its pods go on.
func TestOwnPluginRestarts(t *testing.T) {
	result, err := Run(t.Context(), scenarios(t, "plugin-restart"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := result.Scenarios[0]
	if s.Verdict != report.Passed || len(s.Steps) != 1 || s.Steps[0].Text != "restart of the plugin" {
		t.Errorf("%s %q, steps %+v", s.Verdict, s.Texts(), s.Steps)
	}
}

// A plugin with an address is restarted by the command of its profile; one that forgets its
// pods then fails.
func TestOtherPluginRestarts(t *testing.T) {
	for _, test := range []struct {
		name, command string
		forgets       bool
		verdict       report.Verdict
		text          string
	}{
		{"the pods go on", "touch RESTARTED", false, report.Passed, ""},
		{"the plugin forgets its pods", "touch RESTARTED", true, report.Failed, "STATUS-11"},
		{"the command fails", "touch RESTARTED; echo no such unit >&2; exit 5", false, report.Failed, "no such unit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHonest(t)
			restarted := filepath.Join(h.folder, "restarted")
			plugin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := os.Stat(restarted); err == nil && test.forgets {
					h.mu.Lock()
					for _, runs := range h.pods {
						for _, p := range runs {
							p.stop()
						}
					}
					h.pods = map[types.UID][]*processes{}
					h.mu.Unlock()
				}
				h.ServeHTTP(w, r)
			})
			result, err := Run(t.Context(), scenarios(t, "plugin-restart"), Options{
				Plugin: serveOutside(t, plugin), virtual: true, Levels: []scenario.Level{scenario.LevelOptional},
				Profile: &profile.Profile{Spec: profile.Spec{
					Capabilities: []string{"plugin-restart"}, Restart: strings.Replace(test.command, "RESTARTED", restarted, 1),
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(restarted); err != nil {
				t.Error("the command did not run")
			}
			s := result.Scenarios[0]
			if s.Verdict != test.verdict || !strings.Contains(strings.Join(s.Texts(), "\n"), test.text) {
				t.Errorf("%s %q %q %q", s.Verdict, s.Texts(), s.NotJudged, s.Skipped)
			}
		})
	}
}

// The creates of keep-alive use the connection of the ping. One that is lost there is not sent
// again, and fails the scenario.
func TestIdleConnection(t *testing.T) {
	for _, loses := range []bool{false, true} {
		used := map[string]bool{} // by the address of the caller's end of a connection
		reused := false
		var mu sync.Mutex
		plugin := &liar{before: func(http.ResponseWriter, string, []corev1.Pod) bool { return false }}
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			wasUsed, isCreate := used[r.RemoteAddr], r.URL.Path == "/create"
			used[r.RemoteAddr] = true
			reused = reused || isCreate && wasUsed
			mu.Unlock()
			if isCreate && wasUsed && loses {
				closeConnection(w)
				return
			}
			plugin.ServeHTTP(w, r)
		})
		result, err := Run(t.Context(), scenarios(t, "keep-alive"), Options{Plugin: serveOutside(t, handler), virtual: true})
		if err != nil {
			t.Fatal(err)
		}
		s := result.Scenarios[0]
		isLost := strings.Contains(strings.Join(s.Texts(), "\n"), "did not answer POST /create: the connection was closed")
		if !reused || isLost != loses {
			t.Errorf("loses %v: the connection was reused: %v; %s %q", loses, reused, s.Verdict, s.Texts())
		}
	}
}
