package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// playedServer plays an API server whose only pod changes every second. It needs no network, so that its outages can be
// played in virtual time.
type playedServer struct {
	started time.Time
	mu      sync.Mutex
	// fail answers requests instead of the server; nil: it is up. It closes down before, and so ends the
	// watches, if they do not hang.
	fail func(*http.Request) (*http.Response, error)
	down chan struct{} // closed when the watches that are open hang for ever
	// calls counts the requests.
	calls map[string]int
	// expired lets it answer 410 to each watch.
	expired bool
}

func (s *playedServer) version() int { return 1 + int(time.Since(s.started)/time.Second) }

func (s *playedServer) pod() map[string]any {
	version := strconv.Itoa(s.version())
	return map[string]any{"kind": "Pod", "apiVersion": "v1", "metadata": map[string]any{
		"name": "p", "namespace": "n", "uid": "u", "resourceVersion": version, "labels": map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: "local"},
	}, "status": map[string]any{"reason": version}}
}

func (s *playedServer) RoundTrip(request *http.Request) (*http.Response, error) {
	about := targetOf(request)
	s.mu.Lock()
	fail, down, expired := s.fail, s.down, s.expired
	what := about.resource
	if about.watch {
		what = "watch"
	}
	s.calls[what]++
	s.mu.Unlock()
	if fail != nil {
		return fail(request)
	}
	respond := func(code int, object any) (*http.Response, error) {
		body, err := json.Marshal(object)
		return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {jsonType}}, Body: io.NopCloser(bytes.NewReader(body))}, err
	}
	switch {
	case about.resource == "selfsubjectaccessreviews":
		return respond(201, map[string]any{"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": map[string]any{"allowed": true}})
	case request.URL.Query().Get("sendInitialEvents") == "true":
		return respond(422, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422})
	case about.watch && expired:
		return respond(410, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410})
	case about.watch:
		reader, writer := io.Pipe()
		go s.watch(request.Context(), down, writer)
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: reader}, nil
	default:
		return respond(200, map[string]any{"kind": "PodList", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version())}, "items": []any{s.pod()}})
	}
}

// watch sends an event every second.
func (s *playedServer) watch(ctx context.Context, down chan struct{}, to *io.PipeWriter) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			event, _ := json.Marshal(map[string]any{"type": "MODIFIED", "object": s.pod()})
			if _, err := to.Write(append(event, '\n')); err != nil {
				return
			}
		case <-down:
			<-ctx.Done()
			_ = to.CloseWithError(ctx.Err())
			return
		case <-ctx.Done():
			_ = to.CloseWithError(ctx.Err())
			return
		}
	}
}

// run runs a Cluster that talks to the played server, until the end of the test.
func (s *playedServer) run(t *testing.T) *Cluster {
	client, err := Connect(config.K8s{Kubeconfig: `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
		"clusters":[{"name":"c","cluster":{"server":"https://played"}}],"users":[{"name":"u","user":{"token":"t"}}]}`}, "test")
	if err != nil {
		t.Fatal(err)
	}
	client.Connection.rotation.current.transport = s
	c, err := New(client, "", status.CachedFields, testkit.NewLog(t).Logger())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return c
}

// begin begins an outage, and end ends it.
func (s *playedServer) begin(fail func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
	close(s.down)
}

func (s *playedServer) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail, s.down = nil, make(chan struct{})
}

// age returns how old the state of the pod in the cache is.
func (s *playedServer) age(c *Cluster) time.Duration {
	version := 0
	if pod := c.CachedPod("local"); pod != nil {
		version, _ = strconv.Atoi(pod.Status.Reason)
	}
	return time.Since(s.started.Add(time.Duration(version-1) * time.Second))
}

// After an outage, whatever it was like and however long it lasted, the cache is fresh within 5 s. The watch that was open
// before dies silently, and what is sent during the outage may hang for ever.
func TestTheCacheIsFreshSoonAfterAnOutage(t *testing.T) {
	hangs := func(request *http.Request) (*http.Response, error) {
		<-request.Context().Done()
		return nil, context.Cause(request.Context())
	}
	for name, fail := range map[string]func(*http.Request) (*http.Response, error){
		"hangs":       hangs,
		"unreachable": func(*http.Request) (*http.Response, error) { return nil, errRefusedConnection },
		"EOF":         func(*http.Request) (*http.Response, error) { return nil, io.EOF },
		"a page of a proxy": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 502, Header: http.Header{"Content-Type": {htmlType}}, Body: io.NopCloser(bytes.NewReader([]byte(page)))}, nil
		},
		"watches are opened and hang": func(request *http.Request) (*http.Response, error) {
			if !targetOf(request).watch {
				return nil, &url.Error{Op: "Get", Err: errors.New("no route")}
			}
			reader, writer := io.Pipe()
			context.AfterFunc(request.Context(), func() { _ = writer.CloseWithError(request.Context().Err()) })
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: reader}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			// Two minutes are long enough for the trouble to be seen; the rest lets requests of each age be under way at the end.
			for lasts := 2 * time.Minute; lasts < 3*time.Minute+30*time.Second; lasts += 3100 * time.Millisecond {
				synctest.Test(t, func(t *testing.T) {
					s := &playedServer{started: time.Now(), down: make(chan struct{}), calls: map[string]int{}}
					c := s.run(t)
					time.Sleep(20*time.Second + 500*time.Millisecond)
					if age := s.age(c); age > 2*time.Second {
						t.Fatalf("before the outage, the cache is %s old", age)
					}
					s.begin(fail)
					time.Sleep(lasts)
					within := 5 * time.Second
					if c.Unreachable().Since.IsZero() {
						within += watchSilence // a watch was opened a moment ago, and only its silence shows that it hangs
						if name != "watches are opened and hang" {
							t.Error("the outage is not seen")
						}
					}
					if away := c.Unreachable(); !away.Since.IsZero() && !errdefs.Is(away.Reason, errdefs.Unavailable) {
						t.Errorf("the outage has the reason %v", away.Reason)
					}
					s.end()
					time.Sleep(within)
					if age := s.age(c); age > 5*time.Second {
						t.Errorf("%s after an outage of %s, the cache is %s old", within, lasts, age)
					}
					time.Sleep(10 * time.Minute)
					if age := s.age(c); age > 2*time.Second {
						t.Errorf("10 minutes after an outage of %s, the cache is %s old", lasts, age)
					}
				})
			}
		})
	}
}

// An API server that answers 410 to every watch gets few requests from a real informer, and its pods are known all the
// same. When watches work again, the cache is fresh soon.
func TestExpiredWatchesOfARealInformer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &playedServer{started: time.Now(), down: make(chan struct{}), calls: map[string]int{}, expired: true}
		c := s.run(t)
		time.Sleep(10 * time.Minute)
		s.mu.Lock()
		lists, watches := s.calls["pods"], s.calls["watch"]
		s.expired = false
		s.mu.Unlock()
		if lists > 60 || watches > 120 { // with client-go alone, 1,800 a second
			t.Errorf("%d lists and %d watches in 10 minutes", lists, watches)
		}
		if age := s.age(c); age > 2*time.Minute {
			t.Errorf("the cache is %s old", age)
		}
		time.Sleep(2 * time.Minute)
		if age := s.age(c); age > 2*time.Second {
			t.Errorf("when watches work again, the cache is %s old", age)
		}
	})
}
