package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// readBody reads the body within its limits of size and time, and calls decode.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, decode func(body []byte) error) error {
	turn, err := s.largeBodies.enter(r)
	if err != nil {
		return err
	}
	defer turn.leave()
	return s.readWithinLimits(w, r, decode)
}

func (s *Server) readWithinLimits(w http.ResponseWriter, r *http.Request, decode func(body []byte) error) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return newStatusError(http.StatusUnsupportedMediaType, "Content-Encoding %s is not supported", encoding)
	}
	if r.ContentLength > s.options.MaxBody {
		return s.tooLarge() // without reading the body into memory
	}
	finish := s.limitTime(http.NewResponseController(w))
	body, err := readAll(http.MaxBytesReader(w, r.Body, s.options.MaxBody), r.ContentLength)
	finish(err == nil)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return s.tooLarge()
	}
	if err != nil {
		return errdefs.New(errdefs.Canceled, "the body is incomplete: %w", err)
	}
	return decode(body)
}

// limitUnreadBody limits how long net/http waits for a body that the handler does not
// read: to use the connection again, it reads up to 256 KiB.
func limitUnreadBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// It fails only with the response recorder of a test, which has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(restOfBodyTimeout))
	}
}

// limitTime limits the time in which a body may arrive; if a shutdown begins, the rest
// has less time. finish removes the limit from a body that is complete: a limit that
// stays set would end the connection, and with it the context, of a request that takes
// longer.
func (s *Server) limitTime(control *http.ResponseController) (finish func(complete bool)) {
	_ = control.SetReadDeadline(time.Now().Add(s.bodyTimeout))
	shortened := make(chan struct{})
	stop := context.AfterFunc(s.stopping, func() {
		_ = control.SetReadDeadline(time.Now().Add(restOfBodyTimeout))
		close(shortened)
	})
	return func(complete bool) {
		if !stop() {
			<-shortened
		}
		deadline := time.Now().Add(restOfBodyTimeout)
		if complete {
			deadline = time.Time{}
		}
		_ = control.SetReadDeadline(deadline)
	}
}

func (s *Server) tooLarge() error {
	return errdefs.New(errdefs.TooLarge, "the body is larger than %d bytes", s.options.MaxBody)
}

// readAll reads a body whose length is known, or -1. A caller that announces a long
// body and sends none costs no more than one that sends it.
func readAll(body io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return io.ReadAll(body)
	}
	content := make([]byte, length)
	_, err := io.ReadFull(body, content)
	return content, err
}
