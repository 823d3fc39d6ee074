package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// answer is what a server answers to each request.
type answer struct {
	code       int
	kind, body string
	cut, reset bool // after the body: the connection is closed, or the stream is reset
}

const (
	jsonType  = "application/json"
	htmlType  = "text/html; charset=utf-8"
	textType  = "text/plain; charset=utf-8"
	protoType = "application/vnd.kubernetes.protobuf"
	page      = "<html><body>Please log in, s3cr3t</body></html>"
)

func failure(code int, reason metav1.StatusReason, message string) answer {
	return answer{code: code, kind: jsonType, body: fmt.Sprintf(
		`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":%q}`, reason, code, message)}
}

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if a.kind == "" {
		w.Header()["Content-Type"] = nil
	} else {
		w.Header().Set("Content-Type", a.kind)
	}
	if a.cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)+10))
	}
	w.WriteHeader(a.code)
	_, _ = io.WriteString(w, a.body)
	if a.reset || a.cut {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// What an answer means, for reads, lists and creates, with HTTP/1.1 and with HTTP/2. Only an API
// server is believed; what it cannot have said passes.
func TestWhatAnswersMean(t *testing.T) {
	const pod = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n","uid":"u"}}`
	for _, test := range []struct {
		name   string
		answer answer
		want   errdefs.Kind
		text   string
	}{
		{"an object", answer{code: 200, kind: jsonType, body: pod}, "", ""},
		{"a page", answer{code: 200, kind: htmlType, body: page}, errdefs.Unavailable, "an answer that is not the API server's: 200 text/html"},
		{"a page with the wrong type", answer{code: 200, kind: jsonType, body: page}, errdefs.Unavailable, "not the API server's: 200 application/json"},
		{"text", answer{code: 200, kind: textType, body: "ok"}, errdefs.Unavailable, "not the API server's: 200 text/plain"},
		{"empty", answer{code: 200, kind: jsonType}, errdefs.Unavailable, "not the API server's"},
		{"empty protobuf", answer{code: 200, kind: protoType}, errdefs.Unavailable, "not the API server's"},
		{"no protobuf", answer{code: 200, kind: protoType, body: page}, errdefs.Unavailable, "not the API server's"},
		{"no content type", answer{code: 200, body: pod}, errdefs.Unavailable, "without a content type"},
		{"an object without a kind", answer{code: 200, kind: jsonType, body: `{}`}, errdefs.Unavailable, "not the API server's"},
		{"an object without a version", answer{code: 200, kind: jsonType, body: `{"kind":"error"}`}, errdefs.Unavailable, "not the API server's"},
		{"a login", answer{code: 200, kind: jsonType, body: `{"error":"login"}`}, errdefs.Unavailable, "not the API server's"},
		{"a success without an object", answer{code: 200, kind: jsonType, body: `{"kind":"Status","apiVersion":"v1","status":"Success"}`}, errdefs.Unavailable, ""},
		{"an object of another kind", answer{code: 200, kind: jsonType, body: `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"other"}}`}, errdefs.Unavailable, ""},
		{"protobuf without an object", answer{code: 200, kind: protoType, body: "k8s\x00\x0a\x09\x0a\x02v1\x12\x03Pod"}, errdefs.Unavailable, ""},
		{"protobuf that cannot be decoded", answer{code: 200, kind: protoType, body: "k8s\x00\xff\xff"}, errdefs.Unavailable, ""},
		{"half an object", answer{code: 200, kind: jsonType, body: pod[:50]}, errdefs.Unavailable, "not the API server's"},
		{"half an object in protobuf", answer{code: 200, kind: protoType, body: "k8s\x00\x0a\x09\x0a\x02v1"}, errdefs.Unavailable, ""},
		{"a body that is cut", answer{code: 200, kind: jsonType, body: pod, cut: true}, errdefs.Unavailable, "broke off"},
		{"a stream that is reset", answer{code: 200, kind: jsonType, body: pod[:50], reset: true}, errdefs.Unavailable, "broke off"},
		{"a protobuf stream that is reset", answer{code: 200, kind: protoType, body: "k8s\x00", reset: true}, errdefs.Unavailable, "broke off"},
		{"an error that is reset", answer{code: 404, kind: jsonType, body: "{", reset: true}, errdefs.Unavailable, "broke off"},
		{"404 of a proxy", answer{code: 404, kind: htmlType, body: page}, errdefs.Unavailable, "not the API server's: 404 text/html"},
		{"404 in text", answer{code: 404, kind: textType, body: "404 page not found"}, errdefs.Unavailable, "404 text/plain"},
		{"404 in other JSON", answer{code: 404, kind: jsonType, body: `{"message":"no route"}`}, errdefs.Unavailable, "404 application/json"},
		{"404", answer{code: 404, kind: jsonType, body: `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"gone","details":{"name":"p","kind":"pods"}}`}, errdefs.NotFound, "gone"},
		{"403 of a proxy", answer{code: 403, kind: htmlType, body: page}, errdefs.Unavailable, "403 text/html"},
		{"403 without a user", failure(403, metav1.StatusReasonForbidden, `pods is forbidden: User "system:anonymous" cannot create resource`), errdefs.Unavailable, "does not know the credentials"},
		{"401", failure(401, metav1.StatusReasonUnauthorized, "Unauthorized"), errdefs.Unavailable, "does not accept the credentials"},
		{"401 of a proxy", answer{code: 401, kind: htmlType, body: page}, errdefs.Unavailable, "401 text/html"},
		{"408", answer{code: 408, kind: textType}, errdefs.Unavailable, "408"},
		{"409 of a proxy", answer{code: 409, kind: htmlType, body: page}, errdefs.Unavailable, "409 text/html"},
		{"409", failure(409, metav1.StatusReasonAlreadyExists, "there"), errdefs.Exists, "there"},
		{"410", failure(410, metav1.StatusReasonExpired, "expired"), errdefs.Unavailable, "expired"},
		{"413", failure(413, metav1.StatusReasonRequestEntityTooLarge, "Request entity too large: limit is 3145728"), errdefs.Invalid, "limit is 3145728"},
		{"413 of a proxy", answer{code: 413, kind: htmlType, body: page}, errdefs.Unavailable, "413 text/html"},
		{"422", failure(422, metav1.StatusReasonInvalid, "wrong"), errdefs.Invalid, "wrong"},
		{"429 in text", answer{code: 429, kind: textType, body: "Too many requests"}, errdefs.Unavailable, "too many requests"},
		{"429", failure(429, metav1.StatusReasonTooManyRequests, "slow down"), errdefs.Unavailable, "slow down"},
		{"500", failure(500, metav1.StatusReasonInternalError, "webhook"), errdefs.Unavailable, "webhook"},
		{"500 of etcd", failure(500, "", "etcdserver: request is too large"), errdefs.Invalid, "request is too large"},
		{"502 of a proxy", answer{code: 502, kind: htmlType, body: page}, errdefs.Unavailable, "502 text/html"},
		{"503", failure(503, metav1.StatusReasonServiceUnavailable, "starting"), errdefs.Unavailable, "starting"},
		{"503 in text", answer{code: 503, kind: textType, body: "starting up"}, errdefs.Unavailable, "currently unable"},
		{"504", failure(504, metav1.StatusReasonTimeout, "slow"), errdefs.Unavailable, "slow"},
		{"a redirect", answer{code: 302, kind: htmlType, body: page}, errdefs.Unavailable, "302 text/html"},
		{"a redirect without a body", answer{code: 307}, errdefs.Unavailable, "307 without a content type"},
	} {
		for _, two := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s HTTP/2 %v", test.name, two), func(t *testing.T) {
				server := httptest.NewUnstartedServer(test.answer)
				server.EnableHTTP2 = two
				server.StartTLS()
				defer server.Close()
				client := connectTo(t, server, "")
				c := &Cluster{client: client}
				object := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n"}}
				_, create := c.Create(t.Context(), object)
				_, get := c.Pod(t.Context(), "n", "p")
				for name, err := range map[string]error{"create": create, "get": get} {
					if errdefs.KindOf(err) != test.want || test.want != "" && !strings.Contains(err.Error(), test.text) {
						t.Errorf("%s ends with %v of kind %q, want %q and %q", name, err, errdefs.KindOf(err), test.want, test.text)
					}
					if err != nil && strings.Contains(err.Error(), "s3cr3t") {
						t.Errorf("%s quotes the page: %v", name, err)
					}
				}
				if _, err := c.ListPods(t.Context(), "n"); err == nil {
					t.Error("a list succeeds")
				}
				_, claim := c.Claim(t.Context(), "n", "p")
				_, any := c.Get(t.Context(), object)
				_, namespace := c.Namespace(t.Context(), "other")
				for name, err := range map[string]error{"claim": claim, "any": any, "namespace": namespace} {
					if test.want == errdefs.Unavailable && !errdefs.Is(err, errdefs.Unavailable) {
						t.Errorf("the get of %s ends with %v", name, err)
					}
				}
			})
		}
	}
}

// A 404 that is not about the object comes from another Kubernetes API, which a load balancer asked: the object may
// exist. What a create is answered counts as it is.
func TestNotFoundIsAboutTheObject(t *testing.T) {
	server := httptest.NewTLSServer(failure(404, metav1.StatusReasonNotFound, "the server could not find the requested resource"))
	defer server.Close()
	c := &Cluster{client: connectTo(t, server, "")}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n"}}
	_, err := c.Pod(t.Context(), "n", "p")
	_, any := c.Get(t.Context(), pod)
	_, claim := c.Claim(t.Context(), "n", "p")
	for name, err := range map[string]error{"pod": err, "any": any, "claim": claim} {
		if !errdefs.Is(err, errdefs.Unavailable) {
			t.Errorf("the get of %s ends with %v of kind %q", name, err, errdefs.KindOf(err))
		}
	}
}

// What a create is answered is the object, with the UID that the API server gave it. Without one, nothing could be deleted.
func TestACreateIsAnsweredWithTheObject(t *testing.T) {
	for metadata, want := range map[string]errdefs.Kind{
		`{"name":"o","namespace":"n","uid":"u"}`:     "",
		`{"name":"other","namespace":"n","uid":"u"}`: errdefs.Unavailable,
		`{"name":"o","namespace":"n"}`:               errdefs.Unavailable,
		`{}`:                                         errdefs.Unavailable,
	} {
		meta := metav1.ObjectMeta{Name: "o", Namespace: "n"}
		for kind, object := range map[string]metav1.Object{
			"Namespace": &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "o"}}, "ConfigMap": &corev1.ConfigMap{ObjectMeta: meta},
			"Secret": &corev1.Secret{ObjectMeta: meta}, "PersistentVolumeClaim": &corev1.PersistentVolumeClaim{ObjectMeta: meta},
			"Service": &corev1.Service{ObjectMeta: meta}, "Pod": &corev1.Pod{ObjectMeta: meta},
		} {
			server := httptest.NewTLSServer(answer{code: 201, kind: jsonType, body: fmt.Sprintf(`{"kind":%q,"apiVersion":"v1","metadata":%s}`, kind, metadata)})
			c := &Cluster{client: connectTo(t, server, "")}
			created, err := c.Create(t.Context(), object)
			if errdefs.KindOf(err) != want || (created != nil && created.GetUID() == "u") != (want == "") {
				t.Errorf("%s, answered with %s: %v, %v of kind %q, want kind %q", kind, metadata, created, err, errdefs.KindOf(err), want)
			}
			server.Close()
		}
	}
}

// Logs are text, and may be empty; a page is no log.
func TestWhichAnswersAreLogs(t *testing.T) {
	for _, test := range []struct {
		answer answer
		want   errdefs.Kind
	}{
		{answer{code: 200, kind: textType, body: "a line"}, ""},
		{answer{code: 200, kind: textType}, ""},
		{answer{code: 200, kind: htmlType, body: page}, errdefs.Unavailable},
		{failure(400, metav1.StatusReasonBadRequest, "container has not started"), errdefs.Invalid},
	} {
		server := httptest.NewTLSServer(test.answer)
		c := &Cluster{client: connectTo(t, server, "")}
		stream, err := c.Logs(t.Context(), "n", "p", &corev1.PodLogOptions{Container: "c"})
		if errdefs.KindOf(err) != test.want {
			t.Errorf("%+v: the log ends with %v of kind %q, want %q", test.answer, err, errdefs.KindOf(err), test.want)
		}
		if err == nil {
			if text, err := io.ReadAll(stream); err != nil || string(text) != test.answer.body {
				t.Errorf("%+v: the log is %q, %v", test.answer, text, err)
			}
			_ = stream.Close()
		}
		server.Close()
	}
}

// The end of a request by its caller says nothing about the API server, before the answer and in its body.
func TestACallerThatLeavesIsNoOutage(t *testing.T) {
	for _, body := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		transport := answerTransport{seen: func(target, verdict, error) { seen++ }, next: roundTripper(func(*http.Request) (*http.Response, error) {
			cancel()
			if !body {
				return nil, context.Canceled
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: &slowBody{ctx, time.Second, 1}}, nil
		})}
		request := httptest.NewRequest(http.MethodGet, "/api/v1/namespaces/n/pods/p", nil).WithContext(ctx)
		if _, err := transport.RoundTrip(request); err == nil || seen != 0 { //nolint:bodyclose // there is no answer
			t.Errorf("body %v: the request ends with %v, and %d verdicts", body, err, seen)
		}
	}
}

// A real API server refuses a pod that is too large in two ways, and both are final.
func TestAPodThatIsTooLarge(t *testing.T) {
	server := apiserver.ForTest(t)
	client, err := Connect(config.K8s{Kubeconfig: config.Secret(server.Kubeconfig())}, "test")
	if err != nil {
		t.Fatal(err)
	}
	c, namespace := &Cluster{client: client}, server.Namespace(t)
	for text, size := range map[string]int{"too large": 2_000_000, "Request entity too large": 4_000_000} {
		_, err := c.Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: namespace},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i", Args: []string{strings.Repeat("x", size)}}}},
		})
		if !errdefs.Is(err, errdefs.Invalid) || !strings.Contains(err.Error(), text) {
			t.Errorf("a pod of %d bytes is refused with %v of kind %s", size, err, errdefs.KindOf(err))
		}
	}
}
