package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// quiet is a stream whose Read blocks until it is closed.
type quiet struct {
	closed chan struct{}
	once   sync.Once
}

func newQuiet() *quiet { return &quiet{closed: make(chan struct{})} }

func (q *quiet) Read([]byte) (int, error) {
	<-q.closed
	return 0, errors.New("read on a closed stream")
}

func (q *quiet) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// streaming returns a Lifecycle whose logs are the given stream.
func streaming(stream io.ReadCloser) *fake {
	return &fake{logs: func(context.Context, wire.LogRequest) (io.ReadCloser, error) { return stream, nil }}
}

func TestLogHeadersComeBeforeTheFirstLine(t *testing.T) {
	for name, body := range map[string]string{"follow": followLogs, "all": goodLogs} {
		t.Run(name, func(t *testing.T) {
			stream := newQuiet()
			run := start(t, Options{Lifecycle: streaming(stream)})
			// open returns when the headers are there; the stream says nothing.
			response := run.open(t, t.Context(), "GET", "/getLogs", strings.NewReader(body), wire.SessionHeader, "GetLogs#1")
			if response.StatusCode != http.StatusOK {
				t.Errorf("status is %d", response.StatusCode)
			}
			if kind := response.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type is %q", kind)
			}
			if session := response.Header.Get(wire.SessionHeader); session != "GetLogs#1" {
				t.Errorf("session is %q", session)
			}
			_ = response.Body.Close()
			within(t, "the stream's Close", stream.closed)
		})
	}
}

func TestFollowSendsEachPieceAsItComes(t *testing.T) {
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
			t.Fatalf("got %q, %v; want %q", got, err, line)
		}
	}
	_ = writer.Close()
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) != 0 {
		t.Errorf("after the end came %q, %v", rest, err)
	}
}

func TestLongLogArrivesWhole(t *testing.T) {
	want := strings.Repeat("0123456789abcdef\n", 100_000)
	run := start(t, Options{Lifecycle: streaming(io.NopCloser(strings.NewReader(want)))})
	if got := run.ask(t, "GET", "/getLogs", goodLogs); got.body != want || got.err != nil {
		t.Errorf("%d bytes arrived, %v; want %d", len(got.body), got.err, len(want))
	}
}

func TestACallerThatLeavesEndsItsQuietStream(t *testing.T) {
	stream := newQuiet()
	run := start(t, Options{Lifecycle: streaming(stream)})
	ctx, leave := context.WithCancel(t.Context())
	response := run.open(t, ctx, "GET", "/getLogs", strings.NewReader(followLogs))
	leave()
	_ = response.Body.Close()
	within(t, "the stream's Close", stream.closed)
	eventually(t, "the end is logged", func() bool { return strings.Contains(run.journal.String(), "the caller left") })
	if log := run.journal.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("a caller that leaves is no failure: %s", log)
	}
}

func TestACallerThatLeavesEndsTheOpening(t *testing.T) {
	opening, ended := make(chan struct{}), make(chan struct{})
	lifecycle := &fake{logs: func(ctx context.Context, _ wire.LogRequest) (io.ReadCloser, error) {
		close(opening)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}}
	run := start(t, Options{Lifecycle: lifecycle})
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "GET", "http://unix/getLogs", strings.NewReader(followLogs))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if response, err := run.client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	within(t, "the opening", opening)
	leave()
	within(t, "its end", ended)
}

func TestALogThatFails(t *testing.T) {
	t.Run("before its first line", func(t *testing.T) {
		lifecycle := &fake{logs: func(context.Context, wire.LogRequest) (io.ReadCloser, error) {
			return nil, errdefs.New(errdefs.NotFound, "no such container")
		}}
		run := start(t, Options{Lifecycle: lifecycle})
		got := run.ask(t, "GET", "/getLogs", goodLogs)
		if got.status != http.StatusNotFound || detail(t, got) != "no such container" {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	})
	t.Run("in its midst", func(t *testing.T) {
		broken := io.MultiReader(strings.NewReader("one\n"), brokenReader{})
		run := start(t, Options{Lifecycle: streaming(io.NopCloser(broken))})
		got := run.ask(t, "GET", "/getLogs", followLogs)
		if got.status != http.StatusOK || got.body != "one\n" || !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("answered %d %q, %v; want a stream that is cut", got.status, got.body, got.err)
		}
		eventually(t, "the failure is logged", func() bool {
			log := run.journal.String()
			return strings.Contains(log, "level=ERROR") && strings.Contains(log, "read the log") && strings.Contains(log, uid)
		})
	})
	t.Run("by a panic", func(t *testing.T) {
		run := start(t, Options{Lifecycle: streaming(panicking{})})
		got := run.ask(t, "GET", "/getLogs", goodLogs)
		if got.status != http.StatusOK || !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("answered %d, %v; want a stream that is cut", got.status, got.err)
		}
		if got := run.ask(t, "GET", "/status", "[]"); got.status != http.StatusOK {
			t.Errorf("the next request answered %d", got.status)
		}
	})
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("s3cr3t") }
func (panicking) Close() error             { return nil }
