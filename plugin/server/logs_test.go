package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// blockingStream is a stream whose Read blocks until Close.
type blockingStream struct {
	closed chan struct{}
	once   sync.Once
}

func newBlockingStream() *blockingStream { return &blockingStream{closed: make(chan struct{})} }

func (s *blockingStream) Read([]byte) (int, error) {
	<-s.closed
	return 0, errors.New("read on a closed stream")
}

func (s *blockingStream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// streaming returns a Lifecycle whose logs are the given stream.
func streaming(stream io.ReadCloser) *fake {
	return &fake{logs: func(context.Context, wire.LogRequest) (io.ReadCloser, error) { return stream, nil }}
}

func TestLogHeadersAreSentBeforeTheFirstLine(t *testing.T) {
	for name, body := range map[string]string{"follow": followLogs, "all": goodLogs} {
		t.Run(name, func(t *testing.T) {
			stream := newBlockingStream()
			run := start(t, Options{Lifecycle: streaming(stream)})
			// open returns when the headers arrive; the stream has no data.
			response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(body), wire.SessionHeader, "GetLogs#1")
			if response.StatusCode != http.StatusOK {
				t.Errorf("the status is %d", response.StatusCode)
			}
			if kind := response.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" {
				t.Errorf("the Content-Type is %q", kind)
			}
			if session := response.Header.Get(wire.SessionHeader); session != "GetLogs#1" {
				t.Errorf("the session is %q", session)
			}
			_ = response.Body.Close()
			testkit.Receive(t, "the stream's Close", stream.closed)
		})
	}
}

func TestFollowedLogSendsEachPieceAtOnce(t *testing.T) {
	reader, writer := io.Pipe()
	run := start(t, Options{Lifecycle: streaming(reader)})
	response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(followLogs))
	defer func() { _ = response.Body.Close() }()
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		if _, err := io.WriteString(writer, line); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(line))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != line {
			t.Fatalf("received %q, error %v; want %q", got, err, line)
		}
	}
	_ = writer.Close()
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) != 0 {
		t.Errorf("received %q, error %v after the end", rest, err)
	}
}

func TestLongLogIsComplete(t *testing.T) {
	want := strings.Repeat("0123456789abcdef\n", 100_000)
	run := start(t, Options{Lifecycle: streaming(io.NopCloser(strings.NewReader(want)))})
	if got := run.send(t, "GET", "/getLogs", goodLogs); got.body != want || got.err != nil {
		t.Errorf("received %d bytes, error %v; want %d", len(got.body), got.err, len(want))
	}
}

func TestStreamIsClosedWhenTheCallerDisconnects(t *testing.T) {
	stream := newBlockingStream()
	run := start(t, Options{Lifecycle: streaming(stream)})
	ctx, disconnect := context.WithCancel(t.Context())
	response := run.open(t, ctx, "GET", "/getLogs", strings.NewReader(followLogs))
	disconnect()
	_ = response.Body.Close()
	testkit.Receive(t, "the stream's Close", stream.closed)
	testkit.Eventually(t, "the disconnect is logged", func() bool { return strings.Contains(run.log.String(), "the caller disconnected") })
	if log := run.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("a caller that disconnects is logged as a failure:\n%s", log)
	}
}

func TestOpeningALogEndsWhenTheCallerDisconnects(t *testing.T) {
	opening, ended := make(chan struct{}), make(chan struct{})
	lifecycle := &fake{logs: func(ctx context.Context, _ wire.LogRequest) (io.ReadCloser, error) {
		close(opening)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}}
	run := start(t, Options{Lifecycle: lifecycle})
	ctx, disconnect := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "GET", "http://unix/getLogs", strings.NewReader(followLogs))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if response, err := run.client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	testkit.Receive(t, "the call of Logs", opening)
	disconnect()
	testkit.Receive(t, "the end of Logs", ended)
}

func TestLogFailures(t *testing.T) {
	t.Run("before its first line", func(t *testing.T) {
		lifecycle := &fake{logs: func(context.Context, wire.LogRequest) (io.ReadCloser, error) {
			return nil, errdefs.New(errdefs.NotFound, "no such container")
		}}
		run := start(t, Options{Lifecycle: lifecycle})
		got := run.send(t, "GET", "/getLogs", goodLogs)
		if got.status != http.StatusNotFound || detail(t, got) != "no such container" {
			t.Errorf("the response is %d %s", got.status, got.body)
		}
	})
	t.Run("after the first line", func(t *testing.T) {
		broken := io.MultiReader(strings.NewReader("one\n"), brokenReader{})
		run := start(t, Options{Lifecycle: streaming(io.NopCloser(broken))})
		got := run.send(t, "GET", "/getLogs", followLogs)
		if got.status != http.StatusOK || got.body != "one\n" || !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("the response is %d %q, %v; want an unexpected EOF", got.status, got.body, got.err)
		}
		testkit.Eventually(t, "the failure is logged", func() bool {
			log := run.log.String()
			return strings.Contains(log, "level=ERROR") && strings.Contains(log, "read the log") && strings.Contains(log, uid)
		})
	})
	t.Run("by a panic", func(t *testing.T) {
		run := start(t, Options{Lifecycle: streaming(panicking{})})
		got := run.send(t, "GET", "/getLogs", goodLogs)
		if got.status != http.StatusOK || !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("the response is %d, %v; want an unexpected EOF", got.status, got.err)
		}
		if got := run.send(t, "GET", "/status", "[]"); got.status != http.StatusOK {
			t.Errorf("the next request returns %d", got.status)
		}
	})
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("s3cr3t") }
func (panicking) Close() error             { return nil }
