package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

var errStopping = errdefs.New(errdefs.Canceled, "the plugin is shutting down")

// logs sends the log of a container until the log ends or the caller disconnects. A
// log that is followed also ends when the server shuts down.
func (s *Server) logs(w http.ResponseWriter, r *http.Request, info *requestInfo) error {
	var request wire.LogRequest
	err := s.readBody(w, r, func(body []byte) error { return decodeLogs(body, &request) })
	info.set(request.Namespace, request.PodName, request.PodUID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	if request.Opts.Follow {
		defer context.AfterFunc(s.stopping, func() { cancel(errStopping) })()
	}
	stream, err := s.options.Lifecycle.Logs(info.context(ctx), request)
	if err != nil {
		return streamError(ctx, err)
	}
	closeStream := sync.OnceFunc(func() { _ = stream.Close() }) // no data is lost if this fails
	defer closeStream()
	// If the container writes no log, Read blocks. Closing the stream ends Read when
	// the caller disconnects.
	defer context.AfterFunc(ctx, closeStream)()

	// Nor does a caller that does not read block Write after the end of the request.
	control := http.NewResponseController(w)
	defer context.AfterFunc(ctx, func() { _ = control.SetWriteDeadline(time.Now()) })()

	w.Header().Set("Content-Type", textPlain)
	w.WriteHeader(http.StatusOK)
	return streamError(ctx, copyLog(w, stream, request.Opts.Follow))
}

// copyLog sends the headers before the first line, because InterLink waits 120 s for
// them (docs/contract.md, HTTP-5) and the container may write nothing for longer. If
// the log is followed, copyLog sends each piece at once.
func copyLog(w http.ResponseWriter, stream io.Reader, follow bool) error {
	flush := http.NewResponseController(w).Flush
	if err := flush(); err != nil {
		return clientDisconnected(err)
	}
	buffer := make([]byte, 32<<10)
	for {
		n, readErr := stream.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return clientDisconnected(err)
			}
			if follow {
				if err := flush(); err != nil {
					return clientDisconnected(err)
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

// streamError returns the reason why a stream ended: the shutdown, a caller that
// disconnected, or err. The error of Read does not distinguish them, because the
// server closes the stream in the first two cases.
func streamError(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return err
	case errors.Is(cause, errStopping):
		return cause
	default:
		return clientDisconnected(cause)
	}
}
