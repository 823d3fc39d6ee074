package server

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const uid = "92030190-ca03-4864-a97c-dabccaa67f8e"

const (
	goodPod    = `{"metadata":{"name":"plain","namespace":"demo","uid":"` + uid + `"},"spec":{"containers":[{"name":"main"}]}}`
	goodCreate = `{"pod":` + goodPod + `,"container":[{"name":"main","configMaps":null,"projectedvolumemaps":null,"secrets":null,"emptyDirs":null}],"jobConfig":{}}`
	goodStatus = `[` + goodPod + `]`
	goodLogs   = `{"Namespace":"demo","PodUID":"` + uid + `","PodName":"plain","ContainerName":"main","Opts":{"SinceTime":"0001-01-01T00:00:00Z"}}`
	followLogs = `{"Namespace":"demo","PodUID":"` + uid + `","PodName":"plain","ContainerName":"main","Opts":{"Follow":true}}`
)

// fake is a Lifecycle that records its calls. A function that is set handles the call.
type fake struct {
	create func(context.Context, *wire.CreateRequest) (wire.CreateResponse, error)
	remove func(context.Context, *corev1.Pod) error
	status func(context.Context, []corev1.Pod) ([]wire.PodStatus, error)
	logs   func(context.Context, wire.LogRequest) (io.ReadCloser, error)

	mu    sync.Mutex
	calls []call
}

// call is one call of a Lifecycle.
type call struct {
	Method   string
	Argument any
}

func (f *fake) record(method string, argument any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call{method, argument})
}

// takeCalls returns the calls since it was called last.
func (f *fake) takeCalls() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fake) Create(ctx context.Context, request *wire.CreateRequest) (wire.CreateResponse, error) {
	f.record("Create", *request)
	if f.create != nil {
		return f.create(ctx, request)
	}
	return wire.CreateResponse{PodUID: string(request.Pod.UID), PodJID: "remote"}, nil
}

func (f *fake) Delete(ctx context.Context, pod *corev1.Pod) error {
	f.record("Delete", *pod)
	if f.remove != nil {
		return f.remove(ctx, pod)
	}
	return nil
}

func (f *fake) Status(ctx context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
	f.record("Status", pods)
	if f.status != nil {
		return f.status(ctx, pods)
	}
	return nil, nil
}

func (f *fake) Logs(ctx context.Context, request wire.LogRequest) (io.ReadCloser, error) {
	f.record("Logs", request)
	if f.logs != nil {
		return f.logs(ctx, request)
	}
	return io.NopCloser(strings.NewReader("one\ntwo\n")), nil
}

// running is a server on a unix socket of its own.
type running struct {
	*Server
	client *http.Client
	log    *testkit.Log
	socket string
	stop   context.CancelFunc
	// ended receives the error of Serve.
	ended chan error
}

// start runs a server until the test ends.
func start(t *testing.T, options Options, tweaks ...func(*Server)) *running {
	t.Helper()
	run := &running{log: testkit.NewLog(t), ended: make(chan error, 1)}
	run.socket = testkit.SocketPath(t)
	if options.SocketAddress == "" {
		options.SocketAddress = "unix://" + run.socket
	}
	if options.Lifecycle == nil {
		options.Lifecycle = new(fake)
	}
	options.Logger = run.log.Logger()
	run.Server = newServer(t, options)
	for _, tweak := range tweaks {
		tweak(run.Server)
	}
	if err := run.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run.stop = cancel
	go func() {
		run.ended <- run.Serve(ctx)
		close(run.ended)
	}()
	transport := &http.Transport{DisableCompression: true}
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, run.Addr().Network(), run.Addr().String())
	}
	run.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		cancel()
		transport.CloseIdleConnections()
		_ = testkit.Receive(t, "the server to end", run.ended)
	})
	return run
}

// newServer returns a server. Options that the test does not set have their default
// values, except for the address and the documentation.
func newServer(t *testing.T, options Options) *Server {
	t.Helper()
	defaults := config.Defaults().App
	options.MaxBody = cmp.Or(options.MaxBody, defaults.MaxBody)
	options.ShutdownGrace = cmp.Or(options.ShutdownGrace, defaults.ShutdownGrace)
	options.SocketMode = cmp.Or(options.SocketMode, defaults.SocketMode)
	server, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// response is a response with its whole body.
type response struct {
	status int
	header http.Header
	body   string
	err    error
}

// send sends one request and reads the response.
func (run *running) send(t *testing.T, method, path, body string, headers ...string) response {
	t.Helper()
	r := run.open(t, t.Context(), method, path, strings.NewReader(body), headers...)
	defer func() { _ = r.Body.Close() }()
	content, err := io.ReadAll(r.Body)
	return response{r.StatusCode, r.Header, string(content), err}
}

// open sends one request. The caller reads the body of the response.
func (run *running) open(t *testing.T, ctx context.Context, method, path string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, "http://unix"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := run.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestNewRequiresALifecycle(t *testing.T) {
	if _, err := New(Options{App: config.App{SocketAddress: "http://localhost:0"}}); err == nil {
		t.Error("New returns no error for options without a Lifecycle")
	}
}

func TestTimeoutsFitInterLink(t *testing.T) {
	server := newServer(t, Options{Lifecycle: new(fake)}).httpServer(t.Context(), nil)
	if server.ReadHeaderTimeout <= 0 || server.ReadHeaderTimeout > 30*time.Second {
		t.Errorf("ReadHeaderTimeout is %s", server.ReadHeaderTimeout)
	}
	if server.IdleTimeout <= 120*time.Second {
		t.Errorf("IdleTimeout is %s; InterLink keeps connections for 120 s", server.IdleTimeout)
	}
	if server.WriteTimeout != 0 || server.ReadTimeout != 0 {
		t.Errorf("WriteTimeout is %s and ReadTimeout is %s: they cut logs and long creates",
			server.WriteTimeout, server.ReadTimeout)
	}
}
