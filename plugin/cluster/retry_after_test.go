package cluster

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// client-go waits as long as an overloaded server says, also if a proxy answers.
func TestRetryAfterIsObeyed(t *testing.T) {
	for _, busy := range []answer{{code: 429, kind: textType}, {code: 503, kind: htmlType, body: page}, {code: 503, kind: textType}} {
		var calls atomic.Int32
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) == 1 {
				w.Header().Set("Retry-After", "1")
				busy.ServeHTTP(w, r)
				return
			}
			answer{code: 201, kind: jsonType, body: `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n","uid":"u"}}`}.ServeHTTP(w, r)
		}))
		c := &Cluster{client: connectTo(t, server, "")}
		object := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n"}}
		if created, err := c.Create(t.Context(), object); err != nil || created.GetUID() != "u" || calls.Load() != 2 {
			t.Errorf("%+v: create returns %v, %v after %d requests, want success after 2", busy, created, err, calls.Load())
		}
		server.Close()
	}
}

// client-go waits no longer than the caller of the request.
func TestACallerEndsTheWaitOfRetryAfter(t *testing.T) {
	answered := make(chan struct{}, 10)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		answer{code: 503, kind: textType}.ServeHTTP(w, r)
		answered <- struct{}{}
	}))
	defer server.Close()
	c := &Cluster{client: connectTo(t, server, "")}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := c.Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n"}})
		result <- err
	}()
	testkit.Receive(t, "the first request", answered)
	cancel()
	if err := testkit.Receive(t, "the end of the create", result); !errdefs.Is(err, errdefs.Canceled) {
		t.Errorf("a create whose caller leaves ends with %v", err)
	}
}

// A proxy under maintenance asks for minutes. What shows the end of an outage does not wait so long.
func TestRetryAfterIsLimited(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/pods":                "3",
		"/api/v1/pods?watch=true":     "3",
		reviewPath:                    "3",
		"/api/v1/namespaces/n/pods/p": "30",
	} {
		for given, want := range map[string]string{"300": want, "2": "2", "": "", "Fri, 27 Nov 2026 10:00:00 GMT": "Fri, 27 Nov 2026 10:00:00 GMT"} {
			transport := answerTransport{seen: func(target, verdict, error) {}, next: roundTripper(func(*http.Request) (*http.Response, error) {
				header := http.Header{"Content-Type": {textType}}
				if given != "" {
					header.Set("Retry-After", given)
				}
				return &http.Response{StatusCode: 503, Header: header, Body: io.NopCloser(strings.NewReader("busy"))}, nil
			})}
			response, err := transport.RoundTrip(httptest.NewRequest(http.MethodGet, path, nil))
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if got := response.Header.Get("Retry-After"); got != want {
				t.Errorf("%s: %q becomes %q, want %q", path, given, got, want)
			}
		}
	}
}
