package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// A try that hangs ends: before the answer, and in its body. With HTTP/2, and with HTTP/1.1.
func TestATryIsBounded(t *testing.T) {
	const pod, list, watching, log = "/api/v1/namespaces/n/pods/p", "/api/v1/pods", "/api/v1/pods?watch=true", "/api/v1/namespaces/n/pods/p/log"
	for _, test := range []struct {
		path       string
		body       bool   // the answer begins and then hangs
		want       string // in the error; empty if only the caller ends the request
		beforehand int    // bytes that arrive
	}{
		{path: pod, want: "no answer within"},
		{path: pod, body: true, want: "no answer within"},
		{path: list, want: "no answer within"},
		{path: list, body: true, want: "no answer within", beforehand: 1},
		{path: log, want: "no answer within"},
		{path: log, body: true, want: "no answer within", beforehand: 1},
		{path: watching, want: "no answer within"},
		{path: log + "?follow=true"},
		{path: log + "?follow=true", body: true},
	} {
		for _, two := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s body %v HTTP/2 %v", test.path, test.body, two), func(t *testing.T) {
				arrived := make(chan struct{}, 1)
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if test.body {
						_, _ = io.WriteString(w, strings.Repeat("x", test.beforehand))
						w.(http.Flusher).Flush()
					}
					arrived <- struct{}{}
					<-r.Context().Done()
				}))
				server.EnableHTTP2 = two
				server.StartTLS()
				defer server.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+test.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				result := make(chan error, 1)
				go func() {
					response, err := boundedTransport{next: server.Client().Transport, timeout: 20 * time.Millisecond, watches: 20 * time.Millisecond}.RoundTrip(request)
					if err == nil {
						_, err = io.ReadAll(response.Body)
						_ = response.Body.Close()
					}
					result <- err
				}()
				want := errdefs.Unavailable
				if test.want == "" {
					testkit.Receive(t, "the request", arrived)
					select {
					case err := <-result:
						t.Errorf("the request ends with %v", err)
						return
					case <-time.After(100 * time.Millisecond): // long after the limit of the others
					}
					cancel()
					want = errdefs.Canceled
				}
				err = testkit.Receive(t, "the end of the request", result)
				if err == nil && test.want == "" && test.body {
					return // net/http ends some bodies of a canceled request as if they were whole
				}
				if errdefs.KindOf(err) != want || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the request ends with %v of kind %s, want %s", err, errdefs.KindOf(err), want)
				}
			})
		}
	}
}

// slowBody is a body that ends with its request. A byte of it arrives after each pause.
type slowBody struct {
	ctx   context.Context //nolint:containedctx // of the request
	pause time.Duration
	left  int
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if err := sleep(b.ctx, b.pause); err != nil {
		return 0, err
	}
	b.left--
	return copy(p, "x"), nil
}

func (b *slowBody) Close() error { return nil }

// A list does not end while it arrives, however long that takes. A watch may be silent; the
// pod cache ends it.
func TestWhatArrivesIsNotCut(t *testing.T) {
	for _, test := range []struct {
		path  string
		pause time.Duration
		parts int
	}{
		{"/api/v1/pods", tryTimeout - time.Second, 20},
		{"/api/v1/namespaces/n/pods/p/log", tryTimeout - time.Second, 20},
		{"/api/v1/pods?watch=true", time.Hour, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := boundedTransport{timeout: tryTimeout, watches: watchTimeout, next: progressTransport{roundTripper(func(request *http.Request) (*http.Response, error) {
				return &http.Response{Body: &slowBody{request.Context(), test.pause, test.parts}}, nil
			})}}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://host"+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if body, err := io.ReadAll(response.Body); err != nil || len(body) != test.parts {
				t.Errorf("%s: read %d bytes, %v", test.path, len(body), err)
			}
		})
	}
}

// A list in JSON is read as a whole before it is believed. It does not end while it arrives, either; one that stops does.
func TestALongListInJSONIsNotCut(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			text := `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`
			var c Connection
			c.health, c.rotation = &health{now: time.Now}, &rotatingTransport{host: &url.URL{}}
			transport := c.transport(roundTripper(func(request *http.Request) (*http.Response, error) {
				body := &textBody{slowBody: slowBody{request.Context(), tryTimeout - time.Second, len(text)}, text: text}
				if hangs {
					body.stop = 20
				}
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: body}, nil
			}))
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://host/api/v1/pods", nil)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			response, err := transport.RoundTrip(request)
			if hangs {
				if took := time.Since(began); !errdefs.Is(err, errdefs.Unavailable) || took > 23*tryTimeout || took < 18*tryTimeout {
					t.Errorf("a list that stops ends after %s with %v", took, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
			defer func() { _ = response.Body.Close() }()
			if body, err := io.ReadAll(response.Body); err != nil || string(body) != text {
				t.Errorf("read %q, %v", body, err)
			}
		})
	}
}

// textBody is a slow body with a text. It hangs after some bytes, if stop is not 0.
type textBody struct {
	slowBody
	text string
	stop int
}

func (b *textBody) Read(p []byte) (int, error) {
	at := len(b.text) - b.left
	if b.stop > 0 && at == b.stop {
		<-b.ctx.Done()
		return 0, b.ctx.Err()
	}
	n, err := b.slowBody.Read(p[:1])
	if n > 0 {
		p[0] = b.text[at]
	}
	return n, err
}
