package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func TestResponses(t *testing.T) {
	lifecycle := new(fake)
	lifecycle.status = func(_ context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
		return []wire.PodStatus{{Name: pods[0].Name, UID: string(pods[0].UID), Namespace: pods[0].Namespace, JID: "remote"}}, nil
	}
	run := start(t, Options{Lifecycle: lifecycle})
	entry := `[{"name":"plain","UID":"` + uid + `","namespace":"demo","JID":"remote","containers":null,"initContainers":null}]`
	for _, test := range []struct{ method, path, body, called, want string }{
		{"POST", "/create", goodCreate, "Create", `{"PodUID":"` + uid + `","PodJID":"remote"}`},
		{"POST", "/delete", goodPod, "Delete", `"Pod '` + uid + `' deleted"`},
		{"GET", "/status", goodStatus, "Status", entry},
		{"POST", "/status", goodStatus, "Status", entry},
		{"GET", "/getLogs", goodLogs, "Logs", "one\ntwo"},
		{"POST", "/getLogs", goodLogs, "Logs", "one\ntwo"},
	} {
		t.Run(test.method+test.path, func(t *testing.T) {
			got := run.send(t, test.method, test.path, test.body)
			if got.status != http.StatusOK || strings.TrimSpace(got.body) != test.want {
				t.Errorf("the response is %d %s, want 200 %s", got.status, got.body, test.want)
			}
			if calls := lifecycle.takeCalls(); len(calls) != 1 || calls[0].Method != test.called {
				t.Errorf("the calls are %v, want one %s", calls, test.called)
			}
		})
	}
}

func TestPingDoesNotCallTheLifecycle(t *testing.T) {
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle})
	for _, body := range []string{"[]", "null", " [ ]\n"} {
		got := run.send(t, "GET", "/status", body)
		if got.status != http.StatusOK || strings.TrimSpace(got.body) != "[]" {
			t.Errorf("ping %q returns %d %s, want 200 []", body, got.status, got.body)
		}
	}
	if calls := lifecycle.takeCalls(); len(calls) != 0 {
		t.Errorf("the ping calls %v", calls)
	}
}

func TestStatusIsNeverNull(t *testing.T) {
	run := start(t, Options{})
	if got := run.send(t, "GET", "/status", goodStatus); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("the response is %s, want []", got.body)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	run := start(t, Options{})
	for _, test := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", "/create", 405, "POST"},
		{"PUT", "/status", 405, "GET, POST"},
		{"DELETE", "/getLogs", 405, "GET, POST"},
		{"GET", "/", 404, ""},
		{"POST", "/create/", 404, ""},
		{"POST", "//create", 404, ""},
		{"GET", "/nowhere%0a", 404, ""},
		{"GET", "/docs", 404, ""},
	} {
		got := run.send(t, test.method, test.path, "{}")
		if got.status != test.want || got.header.Get("Allow") != test.allow {
			t.Errorf("%s %s returns %d, Allow %q; want %d, Allow %q",
				test.method, test.path, got.status, got.header.Get("Allow"), test.want, test.allow)
		}
		if detail(t, got) == "" {
			t.Errorf("%s %s returns no detail", test.method, test.path)
		}
	}
}

// detail returns the text of an error response, and checks its format.
func detail(t *testing.T, got response) string {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || len(body) != 1 {
		t.Errorf("the body is %q, want {\"detail\": ...}", got.body)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("the Content-Type is %q", kind)
	}
	return body["detail"]
}

func TestHTTPStatusOfErrors(t *testing.T) {
	secret := "token s3cr3t"
	long := strings.Repeat("é", maxDetail)
	for _, test := range []struct {
		name   string
		err    error
		want   int
		detail string
	}{
		{"invalid", errdefs.New(errdefs.Invalid, "no image"), 422, "no image"},
		{"too large", errdefs.New(errdefs.TooLarge, "big"), 413, "big"},
		{"not found", errdefs.New(errdefs.NotFound, "gone"), 404, "gone"},
		{"refused", errdefs.New(errdefs.Refused, "quota <cpu> & more"), 403, "quota <cpu> & more"},
		{"exists", errdefs.New(errdefs.Exists, "there"), 409, "there"},
		{"conflict", errdefs.New(errdefs.Conflict, "busy"), 409, "busy"},
		{"unavailable", fmt.Errorf("create pod: %w", errdefs.New(errdefs.Unavailable, "down")), 503, "create pod: down"},
		{"deadline", context.DeadlineExceeded, 503, "context deadline exceeded"},
		{"canceled", errdefs.New(errdefs.Canceled, "canceled"), 503, "canceled"},
		{"internal", errdefs.New(errdefs.Internal, "%s", secret), 500, internalDetail},
		{"no kind", errors.New(secret), 500, internalDetail},
		{"an unknown kind", errdefs.New("odd", "%s", secret), 500, internalDetail},
		{"several lines", errdefs.New(errdefs.Invalid, "a\n\tb\x00\x1b[31mc"), 422, "a b [31mc"},
		{"long", errdefs.New(errdefs.Invalid, "%s", long), 422, long[:maxDetail-4] + "..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			lifecycle := new(fake)
			lifecycle.create = func(context.Context, *wire.CreateRequest) (wire.CreateResponse, error) {
				return wire.CreateResponse{}, test.err
			}
			run := start(t, Options{Lifecycle: lifecycle})
			got := run.send(t, "POST", "/create", goodCreate)
			if got.status != test.want {
				t.Errorf("the status is %d, want %d", got.status, test.want)
			}
			if diff := cmp.Diff(test.detail, detail(t, got)); diff != "" {
				t.Errorf("detail (-want +got):\n%s", diff)
			}
			if log := run.log.String(); !strings.Contains(log, "request failed") || !strings.Contains(log, uid) {
				t.Errorf("the failure or its pod is missing in the log:\n%s", log)
			}
		})
	}
}

func TestPanicEndsOneRequestOnly(t *testing.T) {
	lifecycle := new(fake)
	lifecycle.create = func(context.Context, *wire.CreateRequest) (wire.CreateResponse, error) {
		panic("s3cr3t")
	}
	run := start(t, Options{Lifecycle: lifecycle})
	got := run.send(t, "POST", "/create", goodCreate)
	if got.status != http.StatusInternalServerError || detail(t, got) != internalDetail {
		t.Errorf("the response is %d %s", got.status, got.body)
	}
	log := run.log.String()
	for _, part := range []string{"level=ERROR", "s3cr3t", "stack=", "handlers_test.go"} {
		if !strings.Contains(log, part) {
			t.Errorf("%q is missing in the log:\n%s", part, log)
		}
	}
	if got := run.send(t, "POST", "/delete", goodPod); got.status != http.StatusOK {
		t.Errorf("the next request returns %d", got.status)
	}
}

func TestErrAbortHandlerCutsTheConnection(t *testing.T) {
	lifecycle := new(fake)
	lifecycle.remove = func(context.Context, *corev1.Pod) error { panic(http.ErrAbortHandler) }
	run := start(t, Options{Lifecycle: lifecycle})
	request, err := http.NewRequest("POST", "http://unix/delete", strings.NewReader(goodPod))
	if err != nil {
		t.Fatal(err)
	}
	if response, err := run.client.Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("the response is %d, want a cut connection", response.StatusCode)
	} else if !errors.Is(err, io.EOF) {
		t.Errorf("the request returns error %v, want EOF", err)
	}
	if log := run.log.String(); strings.Contains(log, "stack=") {
		t.Errorf("ErrAbortHandler is logged as a panic:\n%s", log)
	}
}

func TestSessionHeader(t *testing.T) {
	run := start(t, Options{})
	for _, test := range []struct{ name, sent, want string }{
		{"as InterLink sends it", "CreatePod#64873", "CreatePod#64873"},
		{"none", "", ""},
		{"not ASCII", "Crea\u00e9te\tPod#1", "CreatePod#1"},
		{"too long", strings.Repeat("x", 1000), strings.Repeat("x", 128)},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/delete", "/nowhere"} {
				got := run.send(t, "POST", path, goodPod, wire.SessionHeader, test.sent)
				if session := got.header.Get(wire.SessionHeader); session != test.want {
					t.Errorf("%s returns session %q, want %q", path, session, test.want)
				}
				if log := run.log.String(); test.want != "" && !strings.Contains(log, "session="+test.want) {
					t.Errorf("the session is missing in the log:\n%s", log)
				}
			}
		})
	}
}

// What names the pod in the log has the limits of names in Kubernetes, also if a request has more.
func TestLongNamesAreCutInTheLog(t *testing.T) {
	run := start(t, Options{})
	body := fmt.Sprintf(`{"metadata":{"namespace":%q,"name":%q,"uid":%q}}`, strings.Repeat("a", 64), strings.Repeat("b", 254), strings.Repeat("c", 64))
	run.send(t, "POST", "/delete", body)
	testkit.Eventually(t, "the request is logged", func() bool { return strings.Contains(run.log.String(), "request failed") })
	for _, part := range []string{
		"pod.namespace=" + strings.Repeat("a", 60) + "... ", "pod.name=" + strings.Repeat("b", 250) + "... ", "pod.uid=" + strings.Repeat("c", 60) + "... ",
	} {
		if log := run.log.String(); !strings.Contains(log, part) {
			t.Errorf("%q is missing in the log:\n%s", part, log)
		}
	}
}

// Creates and deletes are logged at info level; status requests only with LogRequests.
func TestRequestLog(t *testing.T) {
	create := strings.Replace(goodCreate, `"jobConfig":{}`, `"jobScript":"s3cr3t"`, 1)
	for _, test := range []struct {
		requests   bool
		method     string
		path, body string
		want       []string
	}{
		{false, "POST", "/create", create, []string{"level=INFO", "pod.namespace=demo", "pod.name=plain", "pod.uid=" + uid}},
		{false, "GET", "/status", "[]", []string{"level=DEBUG"}},
		{true, "GET", "/status", "[]", []string{"level=INFO"}},
	} {
		run := start(t, Options{LogRequests: func() bool { return test.requests }})
		run.send(t, test.method, test.path, test.body)
		testkit.Eventually(t, "the request is logged", func() bool { return strings.Contains(run.log.String(), "msg=request") })
		log := run.log.String()
		line := log[strings.LastIndex(log[:strings.Index(log, "msg=request")], "\n")+1:]
		for _, part := range append(test.want, "method="+test.method, "path="+test.path, "status=200", "duration=") {
			if !strings.Contains(line, part) {
				t.Errorf("%q is missing in the line %s", part, line)
			}
		}
		if strings.Contains(log, "s3cr3t") {
			t.Errorf("the log contains the body:\n%s", log)
		}
	}
}
