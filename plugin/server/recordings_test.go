package server

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The server accepts every recorded request of the real InterLink, and passes its
// pod to the lifecycle.
func TestRecordedRequests(t *testing.T) {
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle})
	for _, recording := range testkit.Recordings(t) {
		t.Run(recording.Name, func(t *testing.T) {
			var headers []string
			for name, values := range recording.Header {
				if name != "Content-Length" { // the recording is formatted, so it is longer
					headers = append(headers, name, values[0])
				}
			}
			got := run.send(t, recording.Method, recording.Path, string(recording.Body), headers...)
			if got.status != http.StatusOK || got.err != nil {
				t.Fatalf("the response is %d %s, error %v; want 200", got.status, got.body, got.err)
			}
			if session := recording.Header.Get(wire.SessionHeader); got.header.Get(wire.SessionHeader) != session {
				t.Errorf("the session is %q, want %q", got.header.Get(wire.SessionHeader), session)
			}
			if diff := cmp.Diff(podsIn(t, recording), podsOf(lifecycle.takeCalls())); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// podCall is a call of the lifecycle and the pod in its argument.
type podCall struct {
	Method, Namespace, Name, UID string
	Containers                   int
}

// podsIn returns the calls that a recording must cause. It decodes the recording
// without package wire.
func podsIn(t *testing.T, recording testkit.Recording) []podCall {
	t.Helper()
	var body any
	if err := json.Unmarshal(recording.Body, &body); err != nil {
		t.Fatal(err)
	}
	pod := func(method string, value any) podCall {
		metadata := value.(map[string]any)["metadata"].(map[string]any)
		containers := value.(map[string]any)["spec"].(map[string]any)["containers"].([]any)
		return podCall{method, metadata["namespace"].(string), metadata["name"].(string), metadata["uid"].(string), len(containers)}
	}
	switch recording.Path {
	case "/create":
		return []podCall{pod("Create", body.(map[string]any)["pod"])}
	case "/delete":
		return []podCall{pod("Delete", body)}
	case "/getLogs":
		request := body.(map[string]any)
		return []podCall{{"Logs", request["Namespace"].(string), request["PodName"].(string), request["PodUID"].(string), 0}}
	}
	var all []podCall
	for _, value := range body.([]any) {
		all = append(all, pod("Status", value))
	}
	return all
}

// podsOf returns the pods in the arguments of calls.
func podsOf(calls []call) []podCall {
	pod := func(method string, pod corev1.Pod) podCall {
		return podCall{method, pod.Namespace, pod.Name, string(pod.UID), len(pod.Spec.Containers)}
	}
	var all []podCall
	for _, call := range calls {
		switch argument := call.Argument.(type) {
		case wire.CreateRequest:
			all = append(all, pod(call.Method, argument.Pod))
		case corev1.Pod:
			all = append(all, pod(call.Method, argument))
		case []corev1.Pod:
			for _, one := range argument {
				all = append(all, pod(call.Method, one))
			}
		case wire.LogRequest:
			all = append(all, podCall{call.Method, argument.Namespace, argument.PodName, argument.PodUID, 0})
		}
	}
	return all
}
