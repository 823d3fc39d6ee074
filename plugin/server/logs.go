package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

var errStopping = errdefs.New(errdefs.Canceled, "the plugin is shutting down")

// logs streams a container's log until it ends, the caller leaves, or, where it
// follows, the server shuts down.
func (s *Server) logs(w http.ResponseWriter, r *http.Request, about *subject) error {
	var request wire.LogRequest
	err := s.read(w, r, func(body []byte) error { return decodeLogs(body, &request) })
	about.set(request.Namespace, request.PodName, request.PodUID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	if request.Opts.Follow {
		defer context.AfterFunc(s.stopping, func() { cancel(errStopping) })()
	}
	stream, err := s.options.Lifecycle.Logs(ctx, request)
	if err != nil {
		return explain(ctx, err)
	}
	closeStream := sync.OnceFunc(func() { _ = stream.Close() }) // nothing is lost with an error here
	defer closeStream()
	// A quiet stream is inside Read when its caller leaves: closing it is what
	// ends that Read.
	defer context.AfterFunc(ctx, closeStream)()

	w.Header().Set("Content-Type", textPlain)
	w.WriteHeader(http.StatusOK)
	return explain(ctx, copyLog(w, stream, request.Opts.Follow))
}

// copyLog sends the headers at once, since InterLink waits only so long for them
// and a stream may be quiet, and where it follows, every piece as it comes.
func copyLog(w http.ResponseWriter, stream io.Reader, follow bool) error {
	flush := http.NewResponseController(w).Flush
	if err := flush(); err != nil {
		return gone(err)
	}
	buffer := make([]byte, 32<<10)
	for {
		n, readErr := stream.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return gone(err)
			}
			if follow {
				if err := flush(); err != nil {
					return gone(err)
				}
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			return nil
		case readErr != nil:
			return fmt.Errorf("read the log: %w", readErr)
		}
	}
}

// explain tells a stream that was told to end from one that failed or ended by
// itself: what Read returns when its stream is closed says neither.
func explain(ctx context.Context, err error) error {
	switch why := context.Cause(ctx); {
	case why == nil:
		return err
	case errors.Is(why, errStopping):
		return why
	default:
		return gone(why)
	}
}

// gone is what a failure to reach the caller is.
func gone(err error) error {
	return errdefs.New(errdefs.Canceled, "the caller left: %w", err)
}
