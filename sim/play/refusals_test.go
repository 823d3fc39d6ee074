package play

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// A plugin that refuses each create has one cause, and may do so with a pod that can never run.
func TestPluginThatRefusesAll(t *testing.T) {
	plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
		if path == "/create" {
			http.Error(w, "no room", http.StatusInternalServerError)
		}
		return path == "/create"
	}}
	result, err := Run(t.Context(), scenarios(t, "delete-during-create", "delete-pending", "image-missing", "plain-pod", "unschedulable"), Options{
		Plugin: plugin.serve(t), virtual: true, Profile: allDeclared(), Levels: []scenario.Level{scenario.LevelCore},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		switch s.Name {
		case "delete-during-create", "plain-pod":
			for _, d := range s.Differences {
				if d.Rule != "CREATE-4" {
					t.Errorf("%s: %s", s.Name, d)
				}
			}
			if s.Verdict != report.Failed {
				t.Errorf("%s %s", s.Name, s.Verdict)
			}
		default:
			if s.Verdict != report.Passed || !strings.Contains(strings.Join(s.Notes, ""), "no room") {
				t.Errorf("%s %s: %q %q %q", s.Name, s.Verdict, s.Texts(), s.NotJudged, s.Notes)
			}
		}
	}
}

// A create that fails because its pod was deleted meanwhile is no refusal.
func TestCreateThatFailsAfterDelete(t *testing.T) {
	plugin, deleted := &liar{}, make(chan struct{})
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		isOfApp := bytes.Contains(body, []byte(`"name":"app"`))
		switch {
		case isOfApp && r.URL.Path == "/create":
			<-deleted
			http.Error(w, "the pod was deleted", http.StatusConflict)
		case isOfApp && r.URL.Path == "/delete":
			close(deleted)
		default:
			plugin.ServeHTTP(w, r)
		}
	})
	result, err := Run(t.Context(), scenarios(t, "delete-during-create"), Options{Plugin: serveOutside(t, front), virtual: true})
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(result.Scenarios[0].Texts(), "\n"); strings.Contains(text, "pod app") {
		t.Errorf("differences %s", text)
	}
}
