package server

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// recording is one request of the real InterLink.
type recording struct {
	name    string
	Method  string      `json:"method"`
	Path    string      `json:"requestURI"`
	Headers http.Header `json:"headers"`
	body    []byte
}

// recordings returns the recorded requests; none where they are not at hand.
func recordings(t testing.TB) []recording {
	t.Helper()
	metas, err := filepath.Glob("../../../shared/contract/wire/*.request.meta.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recording
	for _, meta := range metas {
		base := strings.TrimSuffix(meta, ".meta.json")
		r := recording{name: strings.TrimSuffix(filepath.Base(base), ".request")}
		// These hold InterLink's mesh script, and are for reading only.
		if slices.Contains([]string{"11", "12", "39"}, r.name[:2]) {
			continue
		}
		text, err := os.ReadFile(meta)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		if r.body, err = os.ReadFile(base + ".json"); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestRecordedRequests(t *testing.T) {
	all := recordings(t)
	if len(all) == 0 {
		t.Log("no recordings beside this repository: the other tests send requests of the project's own")
		return
	}
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle})
	for _, recording := range all {
		t.Run(recording.name, func(t *testing.T) {
			var headers []string
			for name, values := range recording.Headers {
				if name != "Content-Length" { // it was that of the compact body
					headers = append(headers, name, values[0])
				}
			}
			got := run.ask(t, recording.Method, recording.Path, string(recording.body), headers...)
			if got.status != http.StatusOK || got.err != nil {
				t.Fatalf("answered %d %s, %v", got.status, got.body, got.err)
			}
			if session := recording.Headers.Get(wire.SessionHeader); got.header.Get(wire.SessionHeader) != session {
				t.Errorf("session is %q, want %q", got.header.Get(wire.SessionHeader), session)
			}
			if diff := cmp.Diff(expectedCalls(t, recording), summary(lifecycle.taken())); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// told is what a call says about its pod, read by the test in its own way.
type told struct {
	Method, Namespace, Name, UID string
	Containers                   int
}

// expectedCalls reads a recording without the wire types.
func expectedCalls(t *testing.T, recording recording) []told {
	t.Helper()
	var body any
	if err := json.Unmarshal(recording.body, &body); err != nil {
		t.Fatal(err)
	}
	pod := func(method string, value any) told {
		metadata := value.(map[string]any)["metadata"].(map[string]any)
		containers := value.(map[string]any)["spec"].(map[string]any)["containers"].([]any)
		return told{method, metadata["namespace"].(string), metadata["name"].(string), metadata["uid"].(string), len(containers)}
	}
	switch recording.Path {
	case "/create":
		return []told{pod("Create", body.(map[string]any)["pod"])}
	case "/delete":
		return []told{pod("Delete", body)}
	case "/getLogs":
		request := body.(map[string]any)
		return []told{{"Logs", request["Namespace"].(string), request["PodName"].(string), request["PodUID"].(string), 0}}
	}
	var all []told
	for _, value := range body.([]any) {
		all = append(all, pod("Status", value))
	}
	return all
}

func summary(calls []call) []told {
	pod := func(method string, pod corev1.Pod) told {
		return told{method, pod.Namespace, pod.Name, string(pod.UID), len(pod.Spec.Containers)}
	}
	var all []told
	for _, call := range calls {
		switch given := call.Given.(type) {
		case wire.CreateRequest:
			all = append(all, pod(call.Method, given.Pod))
		case corev1.Pod:
			all = append(all, pod(call.Method, given))
		case []corev1.Pod:
			for _, one := range given {
				all = append(all, pod(call.Method, one))
			}
		case wire.LogRequest:
			all = append(all, told{call.Method, given.Namespace, given.PodName, given.PodUID, 0})
		}
	}
	return all
}
