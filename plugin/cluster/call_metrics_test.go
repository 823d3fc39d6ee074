package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// observed lets a connection tell a channel about its calls, as text without the duration.
func observed(connection *Connection) <-chan string {
	calls := make(chan string, 100)
	connection.Observe(func(c Call) { calls <- c.Verb + " " + c.Resource + " " + c.Code })
	return calls
}

// Each request is observed once, as what it is, with what was answered.
func TestCallsAreObserved(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		switch name {
		case "unauthorized":
			failure(401, metav1.StatusReasonUnauthorized, "Unauthorized").ServeHTTP(w, r)
		case "strange":
			answer{code: 599, kind: jsonType, body: "{}"}.ServeHTTP(w, r)
		case "cut":
			panic(http.ErrAbortHandler)
		default:
			failure(404, metav1.StatusReasonNotFound, "not found").ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	client := connectTo(t, server, "/behind")
	calls := observed(client.Connection)
	pods, none := client.CoreV1().Pods("n"), metav1.GetOptions{}
	for _, test := range []struct {
		want string
		call func(ctx context.Context)
	}{
		{"get pods 404", func(ctx context.Context) { _, _ = pods.Get(ctx, "p", none) }},
		{"get pods 401", func(ctx context.Context) { _, _ = pods.Get(ctx, "unauthorized", none) }},
		{"get pods other", func(ctx context.Context) {
			_, _ = client.Discovery().RESTClient().Get().AbsPath("/api/v1/namespaces/n/pods/strange").DoRaw(ctx)
		}},
		{"get pods none", func(ctx context.Context) { _, _ = pods.Get(ctx, "cut", none) }},
		{"list pods 404", func(ctx context.Context) { _, _ = pods.List(ctx, metav1.ListOptions{}) }},
		{"watch pods 404", func(ctx context.Context) { _, _ = pods.Watch(ctx, metav1.ListOptions{}) }},
		{"create pods 404", func(ctx context.Context) { _, _ = pods.Create(ctx, &corev1.Pod{}, metav1.CreateOptions{}) }},
		{"update pods 404", func(ctx context.Context) {
			_, _ = pods.Update(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}, metav1.UpdateOptions{})
		}},
		{"update pods/status 404", func(ctx context.Context) {
			_, _ = pods.UpdateStatus(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}, metav1.UpdateOptions{})
		}},
		{"patch pods 404", func(ctx context.Context) {
			_, _ = pods.Patch(ctx, "p", types.MergePatchType, []byte("{}"), metav1.PatchOptions{})
		}},
		{"delete pods 404", func(ctx context.Context) { _ = pods.Delete(ctx, "p", metav1.DeleteOptions{}) }},
		{"deletecollection pods 404", func(ctx context.Context) {
			_ = pods.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		}},
		{"get pods/log 404", func(ctx context.Context) { _, _ = pods.GetLogs("p", &corev1.PodLogOptions{}).DoRaw(ctx) }},
		{"get other 404", func(ctx context.Context) { _, _ = client.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx) }},
		{"list other 404", func(ctx context.Context) {
			_, _ = client.Discovery().RESTClient().Get().AbsPath("/apis/example.org/v1/namespaces/n/gadgets").DoRaw(ctx)
		}},
		{"create leases 404", func(ctx context.Context) {
			_, _ = client.Discovery().RESTClient().Post().AbsPath("/apis/coordination.k8s.io/v1/namespaces/n/leases").DoRaw(ctx)
		}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); test.call(ctx) }()
		if got := testkit.Receive(t, "the call "+test.want, calls); got != test.want {
			t.Errorf("observed %q, want %q", got, test.want)
		}
		cancel() // client-go would repeat some calls
		<-ended
		for range len(calls) {
			<-calls
		}
	}
}

// A caller that leaves is not a failure of the API server; a request that has no answer in time is one.
func TestWhyACallHasNoCode(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	over, end := context.WithTimeout(t.Context(), 0)
	defer end()
	connection := &Connection{}
	calls := observed(connection)
	hangs := observedTransport{roundTripper(func(request *http.Request) (*http.Response, error) {
		<-request.Context().Done()
		return nil, request.Context().Err()
	}), &connection.observer}
	for _, test := range []struct {
		ctx   context.Context
		limit time.Duration
		want  string
	}{
		{canceled, time.Hour, "get pods canceled"}, {over, time.Hour, "get pods canceled"}, {t.Context(), time.Nanosecond, "get pods none"},
	} {
		request, err := http.NewRequestWithContext(test.ctx, http.MethodGet, "https://host/api/v1/namespaces/n/pods/p", nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := (boundedTransport{next: hangs, timeout: test.limit}).RoundTrip(request); err == nil {
			_ = response.Body.Close()
			t.Error("the request has an answer")
		}
		if got := testkit.Receive(t, "the call", calls); got != test.want {
			t.Errorf("observed %q, want %q", got, test.want)
		}
	}
}

// A review that startupTransport sends for another request is observed as a review.
func TestTheReviewAtStartIsObserved(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, reviewPath) {
			answer{code: 201, kind: jsonType, body: `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1"}`}.ServeHTTP(w, r)
			return
		}
		failure(403, metav1.StatusReasonForbidden, `User "u" cannot get resource "secrets"`).ServeHTTP(w, r)
	}))
	defer server.Close()
	client := connectTo(t, server, "")
	calls := observed(client.Connection)
	_, _ = client.CoreV1().Secrets("n").Get(t.Context(), "s", metav1.GetOptions{})
	var got []string
	for range 3 {
		got = append(got, testkit.Receive(t, "a call", calls))
	}
	if want := []string{"get secrets 403", "create selfsubjectaccessreviews 201", "get secrets 403"}; !slices.Equal(got, want) {
		t.Errorf("observed %q, want %q", got, want)
	}
}

// Whatever a request is about and whatever is answered, there is a small number of values.
func TestCallsHaveFewValues(t *testing.T) {
	code := 0
	layers := targetTransport{next: roundTripper(func(request *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader("")), Request: request}, nil
	})}
	connection := &Connection{}
	verbs, resources, codes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	connection.Observe(func(c Call) { verbs[c.Verb], resources[c.Resource], codes[c.Code] = true, true, true })
	layers.next = observedTransport{layers.next, &connection.observer}
	for code = range 1000 {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "X" + fmt.Sprint(code)} {
			for _, path := range []string{
				"/api/v1/namespaces/n/kind%d", "/api/v1/namespaces/n%d/pods/p%d", "/api/v1/namespaces/n/pods/p/sub%d", "/apis/g%d.example.org/v%d/things%d", "/path%d/%d", "//%d",
			} {
				request, err := http.NewRequestWithContext(t.Context(), method, "https://host"+strings.ReplaceAll(path, "%d", fmt.Sprint(code)), nil)
				if err != nil {
					t.Fatal(err)
				}
				response, err := layers.RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
			}
		}
	}
	if len(verbs) > len(callVerbs)+1 || len(resources) > len(callResources)+1 || len(codes) > 70 {
		t.Errorf("%d verbs, %d resources and %d codes", len(verbs), len(resources), len(codes))
	}
	for verb := range verbs {
		if verb != otherCalls && !slices.Contains(callVerbs, verb) {
			t.Errorf("verb %q", verb)
		}
	}
	if !resources["pods"] || !resources[otherCalls] || len(resources) != 2 {
		t.Errorf("the resources are %v", resources)
	}
}
