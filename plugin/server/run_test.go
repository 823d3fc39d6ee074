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

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// working returns a Lifecycle whose create says when it began and ends as told.
func working(end func(ctx context.Context) error) (lifecycle *fake, began chan struct{}) {
	began = make(chan struct{})
	return &fake{create: func(ctx context.Context, _ *wire.CreateRequest) (wire.CreateResponse, error) {
		close(began)
		return wire.CreateResponse{PodUID: uid}, end(ctx)
	}}, began
}

// asking sends a create in the background.
func (run *running) asking(t *testing.T) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		response, err := run.client.Post("http://unix/create", "application/json", strings.NewReader(goodCreate))
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		answers <- answer{response.StatusCode, response.Header, string(body), err}
	}()
	return answers
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	finish := make(chan struct{})
	lifecycle, began := working(func(ctx context.Context) error {
		select {
		case <-finish:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	run := start(t, Options{Lifecycle: lifecycle})
	answers := run.asking(t)
	within(t, "the create", began)
	run.stop()
	eventually(t, "nobody is accepted", func() bool {
		connection, err := run.client.Transport.(*http.Transport).DialContext(t.Context(), "", "")
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	close(finish)
	if got := within(t, "the answer", answers); got.status != http.StatusOK {
		t.Errorf("the request in flight answered %d %s, %v", got.status, got.body, got.err)
	}
	if err := within(t, "the end", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestShutdownCancelsWhatOutlivesTheGrace(t *testing.T) {
	rolledBack := make(chan struct{})
	lifecycle, began := working(func(ctx context.Context) error {
		<-ctx.Done()
		close(rolledBack)
		return ctx.Err()
	})
	run := start(t, Options{Lifecycle: lifecycle, App: config.App{ShutdownGrace: time.Millisecond}})
	answers := run.asking(t)
	within(t, "the create", began)
	run.stop()
	within(t, "the rollback", rolledBack)
	if got := within(t, "the answer", answers); got.status != http.StatusServiceUnavailable {
		t.Errorf("answered %d %s, %v; want 503", got.status, got.body, got.err)
	}
	if err := within(t, "the end", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestShutdownAbandonsWhatDoesNotHear(t *testing.T) {
	for name, ask := range map[string]struct{ path, body string }{
		"a create":       {"/create", goodCreate},
		"a quiet log":    {"/getLogs", goodLogs},
		"a followed log": {"/getLogs", followLogs},
	} {
		t.Run(name, func(t *testing.T) {
			deaf := make(chan struct{})
			defer close(deaf)
			lifecycle, began := working(func(context.Context) error { <-deaf; return nil })
			lifecycle.logs = func(context.Context, wire.LogRequest) (io.ReadCloser, error) {
				close(began)
				<-deaf
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
			within(t, "the request", began)
			stop()
			if err := within(t, "the end", ended); err == nil || !strings.Contains(err.Error(), "abandoned") {
				t.Errorf("Serve returned %v, want an error that says so", err)
			}
		})
	}
}

func TestShutdownEndsFollowedLogs(t *testing.T) {
	stream := newQuiet()
	run := start(t, Options{Lifecycle: streaming(stream), App: config.App{ShutdownGrace: time.Hour}})
	response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(followLogs))
	defer func() { _ = response.Body.Close() }()
	run.stop()
	within(t, "the stream's Close", stream.closed)
	// The log did not end, so the caller must not take it for whole.
	if _, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v, want one that is cut", err)
	}
	if err := within(t, "the end", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestShutdownLetsOtherLogsEnd(t *testing.T) {
	reader, writer := io.Pipe()
	run := start(t, Options{Lifecycle: streaming(reader)})
	response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(goodLogs))
	defer func() { _ = response.Body.Close() }()
	run.stop()
	within(t, "the shutdown", run.stopping.Done())
	if _, err := io.WriteString(writer, "last"); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if body, err := io.ReadAll(response.Body); string(body) != "last" || err != nil {
		t.Errorf("the log is %q, %v", body, err)
	}
	if err := within(t, "the end", run.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestAListenerThatFailsEndsTheServer(t *testing.T) {
	run := start(t, Options{})
	if err := run.listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := within(t, "the end", run.ended); err == nil {
		t.Error("Serve returned nil")
	}
}

func TestServeNeedsListen(t *testing.T) {
	if err := newServer(t, Options{Lifecycle: new(fake)}).Serve(t.Context()); err == nil {
		t.Error("Serve returned nil without a listener")
	}
}

func TestRunLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("served", func(t *testing.T) {
		stream := newQuiet()
		run := start(t, Options{Lifecycle: streaming(stream), App: config.App{AdminAddress: "localhost:0"}})
		run.ask(t, "POST", "/create", goodCreate)
		run.ask(t, "POST", "/create", "{")
		response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(followLogs))
		run.stop()
		_ = within(t, "the end", run.ended)
		_ = response.Body.Close()
	})
	t.Run("stopped at once", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		server := newServer(t, Options{Lifecycle: new(fake), App: config.App{SocketAddress: "unix://" + shortDir(t) + "/s"}})
		if err := server.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := server.Serve(ctx); err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	eventually(t, "all goroutines ended", func() bool { return runtime.NumGoroutine() <= before })
}
