package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// working returns a Lifecycle whose create runs work, and a channel that is closed
// when the create starts.
func working(work func(ctx context.Context) error) (lifecycle *fake, started chan struct{}) {
	started = make(chan struct{})
	return &fake{create: func(ctx context.Context, _ *wire.CreateRequest) (wire.CreateResponse, error) {
		close(started)
		return wire.CreateResponse{PodUID: uid}, work(ctx)
	}}, started
}

// sendCreate sends a create in the background.
func (run *running) sendCreate(t *testing.T) <-chan response {
	responses := make(chan response, 1)
	go func() {
		r, err := run.client.Post("http://unix/create", "application/json", strings.NewReader(goodCreate))
		if err != nil {
			responses <- response{err: err}
			return
		}
		defer func() { _ = r.Body.Close() }()
		body, err := io.ReadAll(r.Body)
		responses <- response{r.StatusCode, r.Header, string(body), err}
	}()
	return responses
}

func TestShutdownWaitsForRequests(t *testing.T) {
	finish := make(chan struct{})
	lifecycle, started := working(func(ctx context.Context) error {
		select {
		case <-finish:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	run := start(t, Options{Lifecycle: lifecycle})
	responses := run.sendCreate(t)
	testkit.Receive(t, "the start of the create", started)
	run.stop()
	testkit.Eventually(t, "the server accepts no connections", func() bool {
		connection, err := run.client.Transport.(*http.Transport).DialContext(t.Context(), "", "")
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	close(finish)
	if got := testkit.Receive(t, "the response", responses); got.status != http.StatusOK {
		t.Errorf("the response to the request in flight is %d %s, %v", got.status, got.body, got.err)
	}
	if err := testkit.Receive(t, "the end of Serve", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestShutdownCancelsRequestsAfterTheGrace(t *testing.T) {
	rolledBack := make(chan struct{})
	lifecycle, started := working(func(ctx context.Context) error {
		<-ctx.Done()
		close(rolledBack)
		return ctx.Err()
	})
	run := start(t, Options{Lifecycle: lifecycle, App: config.App{ShutdownGrace: time.Millisecond}})
	responses := run.sendCreate(t)
	testkit.Receive(t, "the start of the create", started)
	run.stop()
	testkit.Receive(t, "the rollback", rolledBack)
	if got := testkit.Receive(t, "the response", responses); got.status != http.StatusServiceUnavailable {
		t.Errorf("the response is %d %s, %v; want 503", got.status, got.body, got.err)
	}
	if err := testkit.Receive(t, "the end of Serve", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestShutdownReportsRequestsThatDoNotEnd(t *testing.T) {
	for name, ask := range map[string]struct{ path, body string }{
		"a create":       {"/create", goodCreate},
		"a quiet log":    {"/getLogs", goodLogs},
		"a followed log": {"/getLogs", followLogs},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			defer close(release)
			lifecycle, started := working(func(context.Context) error { <-release; return nil })
			lifecycle.logs = func(context.Context, wire.LogRequest) (io.ReadCloser, error) {
				close(started)
				<-release
				return nil, errors.New("too late")
			}
			server := newServer(t, Options{Lifecycle: lifecycle, App: config.App{SocketAddress: "http://localhost:0", ShutdownGrace: time.Millisecond}})
			server.rollback = time.Millisecond
			if err := server.Listen(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- server.Serve(ctx) }()
			go func() {
				response, err := http.Post("http://"+server.Addr().String()+ask.path, "application/json", strings.NewReader(ask.body))
				if err == nil {
					_ = response.Body.Close()
				}
			}()
			testkit.Receive(t, "the start of the request", started)
			stop()
			if err := testkit.Receive(t, "the end of Serve", ended); err == nil || !strings.Contains(err.Error(), "did not end") {
				t.Errorf("Serve returned %v, want an error with \"did not end\"", err)
			}
		})
	}
}

func TestShutdownEndsFollowedLogs(t *testing.T) {
	stream := newBlockingStream()
	run := start(t, Options{Lifecycle: streaming(stream), App: config.App{ShutdownGrace: time.Hour}})
	response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(followLogs))
	defer func() { _ = response.Body.Close() }()
	run.stop()
	testkit.Receive(t, "the stream's Close", stream.closed)
	// The log did not end, so the caller must see that it is incomplete.
	if _, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading the log returns %v, want an unexpected EOF", err)
	}
	if err := testkit.Receive(t, "the end of Serve", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestShutdownWaitsForLogsThatAreNotFollowed(t *testing.T) {
	reader, writer := io.Pipe()
	run := start(t, Options{Lifecycle: streaming(reader)})
	response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(goodLogs))
	defer func() { _ = response.Body.Close() }()
	run.stop()
	testkit.Receive(t, "the start of the shutdown", run.stopping.Done())
	if _, err := io.WriteString(writer, "last"); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if body, err := io.ReadAll(response.Body); string(body) != "last" || err != nil {
		t.Errorf("the log is %q, %v", body, err)
	}
	if err := testkit.Receive(t, "the end of Serve", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestServeReturnsWhenAListenerFails(t *testing.T) {
	run := start(t, Options{})
	if err := run.listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, "the end of Serve", run.ended); err == nil {
		t.Error("Serve returned nil")
	}
}

func TestServeRequiresListen(t *testing.T) {
	if err := newServer(t, Options{Lifecycle: new(fake)}).Serve(t.Context()); err == nil {
		t.Error("Serve returned nil without a listener")
	}
}

func TestServeEndsAllGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("served", func(t *testing.T) {
		stream := newBlockingStream()
		run := start(t, Options{Lifecycle: streaming(stream), App: config.App{AdminAddress: "localhost:0"}})
		run.send(t, "POST", "/create", goodCreate)
		run.send(t, "POST", "/create", "{")
		response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(followLogs))
		run.stop()
		_ = testkit.Receive(t, "the end of Serve", run.ended)
		_ = response.Body.Close()
	})
	t.Run("stopped at once", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		server := newServer(t, Options{Lifecycle: new(fake), App: config.App{SocketAddress: "unix://" + testkit.SocketPath(t)}})
		if err := server.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := server.Serve(ctx); err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	testkit.Eventually(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}
