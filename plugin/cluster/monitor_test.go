package cluster

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// proxy is an HTTP/1.1 proxy before a real API server. Its watches can die silently, and its server can refuse the
// plugin.
type proxy struct {
	*httptest.Server
	dead atomic.Pointer[context.Context] // done when the watches that are open die
	kill atomic.Pointer[context.CancelFunc]
	say  atomic.Pointer[answer] // instead of the API server; nil: the API server answers
}

func newProxy(t *testing.T, server *apiserver.Server) *proxy {
	t.Helper()
	transport, err := rest.TransportFor(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(server.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	p.killWatches()
	reverse := &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, ErrorLog: nil, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Authorization")
	}}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := p.say.Load(); a != nil && !strings.Contains(r.URL.RawQuery, "watch=true") {
			a.ServeHTTP(w, r)
			return
		}
		reverse.ServeHTTP(&dyingWriter{w, *p.dead.Load(), r.Context()}, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// killWatches lets the watches that are open die. The later ones live.
func (p *proxy) killWatches() {
	ctx, cancel := context.WithCancel(context.Background())
	p.dead.Store(&ctx)
	if last := p.kill.Swap(&cancel); last != nil {
		(*last)()
	}
}

// dyingWriter sends nothing any more when it is dead, and keeps the connection open.
type dyingWriter struct {
	http.ResponseWriter
	dead, request context.Context //nolint:containedctx // of the test, and of the request
}

func (w *dyingWriter) Write(data []byte) (int, error) {
	if w.dead.Err() != nil {
		<-w.request.Done()
		return 0, io.ErrClosedPipe
	}
	return w.ResponseWriter.Write(data)
}

func (w *dyingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (p *proxy) cluster(t *testing.T, namespace string, log *testkit.Log, change func(*monitor)) *Cluster {
	t.Helper()
	c, err := New(connectTo(t, p.Server, ""), namespace, status.CachedFields, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	change(c.monitor)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	testkit.Eventually(t, "the pod cache is filled", c.Synced)
	return c
}

// A watch that dies silently behind an HTTP/1.1 proxy is opened again, and the cache gets what it missed.
func TestAWatchThatDiesSilentlyIsOpenedAgain(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	p := newProxy(t, server)
	log := testkit.NewLog(t)
	c := p.cluster(t, namespace, log, func(m *monitor) { m.source.silence = 2 * time.Second })
	for _, name := range []string{"first", "second"} {
		p.killWatches()
		_, err := server.Client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: "uid-" + name}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the cache has the pod "+name, func() bool { return c.CachedPod("uid-"+name) != nil })
	}
	if !strings.Contains(log.String(), "the watch of remote pods is silent") {
		t.Error("the log does not say that the watch was silent")
	}
}

// An API server that refuses the plugin is seen although the watch is open and nobody sends a request, and so is
// its end; so is a cache that is stale.
func TestARefusalIsSeenWhileThePluginIsIdle(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	p := newProxy(t, server)
	log := testkit.NewLog(t)
	c := p.cluster(t, namespace, log, func(m *monitor) {
		m.askInterval, m.askAgainInterval, m.logInterval = 10*time.Millisecond, 10*time.Millisecond, time.Millisecond
	})
	review := func(allowed string) answer {
		return answer{code: 201, kind: jsonType, body: `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":` + allowed + `}}`}
	}
	for _, step := range []struct {
		answer answer
		of     func() Trouble
		kind   errdefs.Kind
		begin  string
		end    string
	}{
		{failure(401, metav1.StatusReasonUnauthorized, "Unauthorized"), c.Refused, errdefs.Unavailable, "the remote API server refuses the plugin", "the remote API server accepts the plugin again"},
		{review("false"), c.Refused, errdefs.Refused, "the remote API server refuses the plugin", "the remote API server accepts the plugin again"},
		{answer{code: 502, kind: htmlType, body: page}, c.Unreachable, errdefs.Unavailable, "no remote API server answers", "the remote API server answers again"},
	} {
		if trouble := step.of(); !trouble.Since.IsZero() {
			t.Errorf("before any trouble, there is %v", trouble.Reason)
		}
		begins, ends := strings.Count(log.String(), step.begin), strings.Count(log.String(), step.end)
		p.say.Store(&step.answer)
		testkit.Eventually(t, "the trouble begins: "+step.begin, func() bool { return !step.of().Since.IsZero() })
		testkit.Eventually(t, "its begin is logged", func() bool { return strings.Count(log.String(), step.begin) > begins })
		if reason := step.of().Reason; reason != nil && step.kind == errdefs.Refused && !errdefs.Is(reason, step.kind) {
			t.Errorf("the reason is %v of kind %s, want %s", reason, errdefs.KindOf(reason), step.kind)
		}
		p.say.Store(nil)
		testkit.Eventually(t, "the trouble ends", func() bool { return step.of().Since.IsZero() })
		testkit.Eventually(t, "its end is logged", func() bool { return strings.Count(log.String(), step.end) > ends })
	}
}

// The cache is stale when nothing was heard for long, and the time is what is measured.
func TestStale(t *testing.T) {
	source := &podSource{}
	m := &monitor{source: source, staleAfter: time.Hour}
	if m.stale() != (Trouble{}) {
		t.Error("a cache that does not run is stale")
	}
	m.started = time.Now().Add(-2 * time.Hour)
	if trouble := m.stale(); !trouble.Since.Equal(m.started) || !errdefs.Is(trouble.Reason, errdefs.Unavailable) {
		t.Errorf("a cache that never heard anything is stale since %s: %v", trouble.Since, trouble.Reason)
	}
	source.hear()
	if m.stale() != (Trouble{}) {
		t.Error("a cache that heard something is stale")
	}
	source.heard = time.Now().Add(-90 * time.Minute)
	if trouble := m.stale(); !trouble.Since.Equal(source.heard) || !strings.Contains(trouble.Reason.Error(), "1h30m") {
		t.Errorf("a cache is stale since %s: %v", trouble.Since, trouble.Reason)
	}
}
