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

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func TestAnswersWhatInterLinkExpects(t *testing.T) {
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
			got := run.ask(t, test.method, test.path, test.body)
			if got.status != http.StatusOK || strings.TrimSpace(got.body) != test.want {
				t.Errorf("answered %d %s, want 200 %s", got.status, got.body, test.want)
			}
			if calls := lifecycle.taken(); len(calls) != 1 || calls[0].Method != test.called {
				t.Errorf("calls are %v, want one %s", calls, test.called)
			}
		})
	}
}

func TestPingIsAnsweredWithoutTheLifecycle(t *testing.T) {
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle})
	for _, body := range []string{"[]", "null", " [ ]\n"} {
		got := run.ask(t, "GET", "/status", body)
		if got.status != http.StatusOK || strings.TrimSpace(got.body) != "[]" {
			t.Errorf("ping %q answered %d %s, want 200 []", body, got.status, got.body)
		}
	}
	if calls := lifecycle.taken(); len(calls) != 0 {
		t.Errorf("the ping called %v", calls)
	}
}

func TestStatusIsNeverNull(t *testing.T) {
	run := start(t, Options{})
	if got := run.ask(t, "GET", "/status", goodStatus); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("no status is answered with %s, want []", got.body)
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
		got := run.ask(t, test.method, test.path, "{}")
		if got.status != test.want || got.header.Get("Allow") != test.allow {
			t.Errorf("%s %s answered %d, Allow %q; want %d, Allow %q",
				test.method, test.path, got.status, got.header.Get("Allow"), test.want, test.allow)
		}
		if detail(t, got) == "" {
			t.Errorf("%s %s says nothing", test.method, test.path)
		}
	}
}

// detail returns the text of an error, and checks its form.
func detail(t *testing.T, got answer) string {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || len(body) != 1 {
		t.Errorf("error body is %q, want {\"detail\": ...}", got.body)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("error's Content-Type is %q", kind)
	}
	return body["detail"]
}

func TestKindsOfErrorAsStatus(t *testing.T) {
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
		{"canceled", errdefs.New(errdefs.Canceled, "overtaken"), 503, "overtaken"},
		{"internal", errdefs.New(errdefs.Internal, "%s", secret), 500, internalDetail},
		{"without a kind", errors.New(secret), 500, internalDetail},
		{"of an unknown kind", errdefs.New("odd", "%s", secret), 500, internalDetail},
		{"several lines", errdefs.New(errdefs.Invalid, "a\n\tb\x00\x1b[31mc"), 422, "a b [31mc"},
		{"long", errdefs.New(errdefs.Invalid, "%s", long), 422, long[:maxDetail-4] + "..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			lifecycle := new(fake)
			lifecycle.create = func(context.Context, *wire.CreateRequest) (wire.CreateResponse, error) {
				return wire.CreateResponse{}, test.err
			}
			run := start(t, Options{Lifecycle: lifecycle})
			got := run.ask(t, "POST", "/create", goodCreate)
			if got.status != test.want {
				t.Errorf("status is %d, want %d", got.status, test.want)
			}
			if diff := cmp.Diff(test.detail, detail(t, got)); diff != "" {
				t.Errorf("detail (-want +got):\n%s", diff)
			}
			if log := run.journal.String(); !strings.Contains(log, "request failed") || !strings.Contains(log, uid) {
				t.Errorf("the failure is not in the log, or not its pod: %s", log)
			}
		})
	}
}

func TestAPanicCostsOneRequest(t *testing.T) {
	lifecycle := new(fake)
	lifecycle.create = func(context.Context, *wire.CreateRequest) (wire.CreateResponse, error) {
		panic("s3cr3t")
	}
	run := start(t, Options{Lifecycle: lifecycle})
	got := run.ask(t, "POST", "/create", goodCreate)
	if got.status != http.StatusInternalServerError || detail(t, got) != internalDetail {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	log := run.journal.String()
	for _, part := range []string{"level=ERROR", "s3cr3t", "stack=", "routes_test.go"} {
		if !strings.Contains(log, part) {
			t.Errorf("%q is not in the log: %s", part, log)
		}
	}
	if got := run.ask(t, "POST", "/delete", goodPod); got.status != http.StatusOK {
		t.Errorf("the next request answered %d", got.status)
	}
}

func TestAbortHandlerIsPassedOn(t *testing.T) {
	lifecycle := new(fake)
	lifecycle.remove = func(context.Context, *corev1.Pod) error { panic(http.ErrAbortHandler) }
	run := start(t, Options{Lifecycle: lifecycle})
	request, err := http.NewRequest("POST", "http://unix/delete", strings.NewReader(goodPod))
	if err != nil {
		t.Fatal(err)
	}
	if response, err := run.client.Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("answered %d, want a connection that is cut", response.StatusCode)
	} else if !errors.Is(err, io.EOF) {
		t.Errorf("failed with %v, want EOF", err)
	}
	if log := run.journal.String(); strings.Contains(log, "stack=") {
		t.Errorf("logged as a panic: %s", log)
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
				got := run.ask(t, "POST", path, goodPod, wire.SessionHeader, test.sent)
				if session := got.header.Get(wire.SessionHeader); session != test.want {
					t.Errorf("%s answered with session %q, want %q", path, session, test.want)
				}
				if log := run.journal.String(); test.want != "" && !strings.Contains(log, "session="+test.want) {
					t.Errorf("the session is not in the log: %s", log)
				}
			}
		})
	}
}

// What changes the remote cluster is logged at info, polls only when asked for.
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
		run := start(t, Options{LogRequests: test.requests})
		run.ask(t, test.method, test.path, test.body)
		eventually(t, "the request is logged", func() bool { return strings.Contains(run.journal.String(), "msg=request") })
		log := run.journal.String()
		line := log[strings.LastIndex(log[:strings.Index(log, "msg=request")], "\n")+1:]
		for _, part := range append(test.want, "method="+test.method, "path="+test.path, "status=200", "duration=") {
			if !strings.Contains(line, part) {
				t.Errorf("%q is not in the line %s", part, line)
			}
		}
		if strings.Contains(log, "s3cr3t") {
			t.Errorf("the body is in the log: %s", log)
		}
	}
}
