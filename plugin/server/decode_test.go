package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func TestInvalidRequests(t *testing.T) {
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle})
	const badUID = " is not a UID; it must be at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit"
	withUID := func(uid string) string {
		return `{"metadata":{"name":"a","namespace":"b","uid":"` + uid + `"}}`
	}
	for _, test := range []struct{ name, path, body, want string }{
		{"empty body", "/create", " \n", "the body is empty; it must be JSON"},
		{"not JSON", "/create", "pod: plain", "the body is not JSON: at byte 1: invalid character 'p' looking for beginning of value"},
		{"incomplete JSON", "/status", goodStatus[:40], "the body is not JSON: at byte 40: unexpected end of JSON input"},
		{"text after the JSON value", "/delete", goodPod + "x", "the body is not JSON: at byte 134: invalid character 'x' after top-level value"},
		{"two values", "/status", "[][]", "the body is not JSON: at byte 3: invalid character '[' after top-level value"},
		{"a list to create", "/create", "[]", "the body is array; it must be object"},
		{"an object for status", "/status", goodPod, "the body is object; it must be array"},
		{"a string for logs", "/getLogs", `"x"`, "the body is string; it must be object"},
		{"a field of a wrong type", "/create", `{"pod":{"metadata":{"name":7}}}`, "pod.metadata.name is number; it must be string"},
		{"a float for an int", "/getLogs", `{"Opts":{"Tail":1.5}}`, "Opts.Tail is number 1.5; it must be number"},
		{"a time", "/getLogs", `{"Opts":{"SinceTime":"s3cr3t"}}`, "the body contains a time that is not in RFC 3339 format"},
		{"all fields of create missing", "/create", "{}", "pod.metadata.name is missing; pod.metadata.namespace is missing; " +
			"pod.metadata.uid is missing; pod.spec.containers is empty"},
		{"null", "/create", "null", "pod.metadata.name is missing; pod.metadata.namespace is missing; " +
			"pod.metadata.uid is missing; pod.spec.containers is empty"},
		{"some fields of create missing", "/create", `{"pod":` + withUID("A") + `}`, "pod.metadata.uid" + badUID + "; pod.spec.containers is empty"},
		{"all fields of delete missing", "/delete", "{}", "metadata.name is missing; metadata.namespace is missing; metadata.uid is missing"},
		{"a UID in capitals", "/delete", withUID("92030190-CA03"), "metadata.uid" + badUID},
		{"a UID with a slash", "/delete", withUID("../x"), "metadata.uid" + badUID},
		{"a UID with a newline", "/delete", withUID(`a\n`), "metadata.uid" + badUID},
		{"a UID with a dash at the end", "/delete", withUID("a-"), "metadata.uid" + badUID},
		{"a UID of 64", "/delete", withUID(strings.Repeat("a", 64)), "metadata.uid" + badUID},
		{"names that the API server rejects", "/delete", `{"metadata":{"name":"A_b","namespace":"a/b","uid":"` + uid + `"}}`,
			"metadata.name is not the name of a pod; it must be an RFC 1123 subdomain; metadata.namespace is not the name of a namespace; it must be an RFC 1123 label"},
		{"several pods in status", "/status", `[` + goodPod + `,{},` + withUID("a,b") + `]`, "[1].metadata.name is missing; " +
			"[1].metadata.namespace is missing; [1].metadata.uid is missing; [2].metadata.uid" + badUID},
		{"all fields of logs missing or invalid", "/getLogs", `{"Opts":{"Tail":-1,"Bytes":-1,"LimitBytes":-1,"SinceSeconds":-1}}`,
			"Namespace is missing; PodName is missing; PodUID is missing; Opts.Tail is negative; " +
				"Opts.Bytes is negative; Opts.LimitBytes is negative; Opts.SinceSeconds is negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := run.send(t, "POST", test.path, test.body)
			if got.status != http.StatusUnprocessableEntity {
				t.Errorf("status is %d, want 422", got.status)
			}
			if diff := cmp.Diff(test.want, detail(t, got)); diff != "" {
				t.Errorf("detail (-want +got):\n%s", diff)
			}
		})
	}
	if calls := lifecycle.takeCalls(); len(calls) != 0 {
		t.Errorf("the server calls the lifecycle: %v", calls)
	}
}

func TestValidRequests(t *testing.T) {
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle})
	for _, test := range []struct{ name, path, body string }{
		{"unknown keys", "/create", strings.Replace(goodCreate, `"jobConfig"`, `"news":[1,{}],"jobConfig"`, 1)},
		{"null lists", "/create", `{"pod":` + goodPod + `,"container":null}`},
		{"keys in another case", "/create", `{"POD":` + strings.Replace(goodPod, "metadata", "Metadata", 1) + `}`},
		{"claims", "/create", `{"pod":` + goodPod + `,"container":[{"name":"a","persistentVolumeClaims":[{"metadata":{"name":"c"}}]}]}`},
		{"the UID of a static pod", "/delete", strings.Replace(goodPod, uid, "8d6ac0c1c47e8f4c7b3a9c1a3f1c9b5e", 1)},
		{"a UID of 63", "/delete", strings.Replace(goodPod, uid, strings.Repeat("a", 63), 1)},
		{"no options", "/getLogs", `{"Namespace":"a","PodName":"b","PodUID":"c"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := run.send(t, "POST", test.path, test.body); got.status != http.StatusOK {
				t.Errorf("the response is %d %s", got.status, got.body)
			}
			if calls := lifecycle.takeCalls(); len(calls) != 1 {
				t.Errorf("the calls are %v, want one", calls)
			}
		})
	}
}

func TestLogOptionsAreNormalized(t *testing.T) {
	for _, test := range []struct {
		name, options string
		want          wire.LogOpts
	}{
		{"unset", `{"SinceTime":"0001-01-01T00:00:00Z"}`, wire.LogOpts{}},
		{"null", `{"SinceTime":null,"Tail":null}`, wire.LogOpts{}},
		{"Bytes", `{"Bytes":100}`, wire.LogOpts{Bytes: 100}},
		{"LimitBytes, its older name", `{"LimitBytes":100}`, wire.LogOpts{Bytes: 100}},
		{"both", `{"Bytes":100,"LimitBytes":7}`, wire.LogOpts{Bytes: 100}},
		{"a time", `{"SinceTime":"2026-11-23T02:27:52Z"}`, wire.LogOpts{SinceTime: time.Date(2026, 11, 23, 2, 27, 52, 0, time.UTC)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var request wire.LogRequest
			body := `{"Namespace":"a","PodName":"b","PodUID":"c","Opts":` + test.options + `}`
			if err := decodeLogs([]byte(body), &request); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, request.Opts); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle, App: config.App{MaxBody: int64(len(goodPod))}})
	if got := run.send(t, "POST", "/delete", goodPod); got.status != http.StatusOK {
		t.Errorf("a body of exactly MaxBody returns %d %s", got.status, got.body)
	}
	lifecycle.takeCalls()
	for name, body := range map[string]io.Reader{
		"with Content-Length": strings.NewReader(goodPod + " "),
		// The client does not know the length of a reader of this type.
		"chunked":                 io.MultiReader(strings.NewReader(goodPod), strings.NewReader(" ")),
		"much too large":          bytes.NewReader(make([]byte, 8<<20)),
		"much too large, chunked": io.LimitReader(zeros{}, 8<<20),
		"JSON, then other data":   io.MultiReader(strings.NewReader(goodPod), io.LimitReader(zeros{}, 1<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			response := run.open(t, t.Context(), "POST", "/delete", body)
			defer func() { _ = response.Body.Close() }()
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("the response is %d, want 413", response.StatusCode)
			}
		})
	}
	if calls := lifecycle.takeCalls(); len(calls) != 0 {
		t.Errorf("the server calls the lifecycle: %v", calls)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestBodyTimeout(t *testing.T) {
	lifecycle := new(fake)
	run := start(t, Options{Lifecycle: lifecycle}, func(s *Server) { s.bodyTimeout = 100 * time.Millisecond })
	body, sender := io.Pipe()
	defer func() { _ = sender.Close() }()
	go func() { _, _ = io.WriteString(sender, goodPod[:9]) }()
	response := run.open(t, t.Context(), "POST", "/delete", body)
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the response is %d, want 503", response.StatusCode)
	}
	if calls := lifecycle.takeCalls(); len(calls) != 0 {
		t.Errorf("the server calls the lifecycle: %v", calls)
	}
}

// The deadline of the body must not end the request.
func TestRequestMayTakeLongerThanTheBodyTimeout(t *testing.T) {
	const deadline = 500 * time.Millisecond
	lifecycle := &fake{remove: func(ctx context.Context, _ *corev1.Pod) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * deadline):
			return nil
		}
	}}
	run := start(t, Options{Lifecycle: lifecycle}, func(s *Server) { s.bodyTimeout = deadline })
	if got := run.send(t, "POST", "/delete", goodPod); got.status != http.StatusOK {
		t.Errorf("the response is %d %s", got.status, got.body)
	}
}

func TestEncodedBodiesAreRefused(t *testing.T) {
	run := start(t, Options{})
	got := run.send(t, "POST", "/delete", goodPod, "Content-Encoding", "gzip")
	if got.status != http.StatusUnsupportedMediaType || detail(t, got) == "" {
		t.Errorf("gzip returns %d %s, want 415", got.status, got.body)
	}
	if got := run.send(t, "POST", "/delete", goodPod, "Content-Encoding", "identity"); got.status != http.StatusOK {
		t.Errorf("identity returns %d", got.status)
	}
}

func TestCallerDisconnectsInTheBody(t *testing.T) {
	server := newServer(t, Options{Lifecycle: new(fake)})
	half := io.MultiReader(strings.NewReader(goodPod[:9]), brokenReader{})
	request := httptest.NewRequest("POST", "/delete", half)
	recorder := httptest.NewRecorder()
	server.Handler().ServeHTTP(recorder, request)
	if recorder.Code != http.StatusServiceUnavailable {
		t.Errorf("the response is %d, want 503", recorder.Code)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// checkDecoded checks the results of every fuzz target.
func checkDecoded(t *testing.T, err error, pods ...corev1.Pod) {
	t.Helper()
	if err != nil {
		if !errdefs.Is(err, errdefs.Invalid) {
			t.Errorf("the error has kind %q: %v", errdefs.KindOf(err), err)
		}
		return
	}
	for _, pod := range pods {
		if pod.Name == "" || pod.Namespace == "" || pod.UID == "" || len(pod.UID) > 63 {
			t.Errorf("decoded without an error: %q %q %q", pod.Name, pod.Namespace, pod.UID)
		}
	}
}

func FuzzDecodeCreate(f *testing.F) {
	seed(f, "/create", goodCreate, `{"pod":null,"container":[null]}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		var request wire.CreateRequest
		err := decodeCreate(body, &request)
		checkDecoded(t, err, request.Pod)
		checkLikeEncodingJSON[wire.CreateRequest](t, body)
		if err == nil && len(request.Pod.Spec.Containers) == 0 {
			t.Error("a pod without containers is decoded without an error")
		}
	})
}

func FuzzDecodeDelete(f *testing.F) {
	seed(f, "/delete", goodPod)
	f.Fuzz(func(t *testing.T, body []byte) {
		var pod corev1.Pod
		checkDecoded(t, decodeDelete(body, &pod), pod)
		checkLikeEncodingJSON[corev1.Pod](t, body)
	})
}

func FuzzDecodeLogs(f *testing.F) {
	seed(f, "/getLogs", goodLogs, followLogs, `{"Opts":{"LimitBytes":1}}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		var request wire.LogRequest
		err := decodeLogs(body, &request)
		var pod corev1.Pod
		pod.Namespace, pod.Name, pod.UID = request.Namespace, request.PodName, types.UID(request.PodUID)
		checkDecoded(t, err, pod)
		options := request.Opts
		if err == nil && (options.Tail < 0 || options.Bytes < 0 || options.LimitBytes != 0 || options.SinceSeconds < 0) {
			t.Errorf("options are decoded without an error: %+v", options)
		}
	})
}

// seed adds small bodies and the recorded bodies to a fuzz target.
func seed(f *testing.F, path string, bodies ...string) {
	for _, body := range append(bodies, "", "{", "null", "0", `{"metadata":{"creationTimestamp":"x"}}`) {
		f.Add([]byte(body))
	}
	for _, recording := range testkit.Recordings(f) {
		if recording.Path == path {
			f.Add(recording.Body)
		}
	}
}
