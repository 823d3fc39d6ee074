package server

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// readBody reads the body within its limits of size and time, and calls decode.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, decode func(body []byte) error) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return newStatusError(http.StatusUnsupportedMediaType, "Content-Encoding %s is not supported", encoding)
	}
	if r.ContentLength > s.options.MaxBody {
		return s.tooLarge() // without reading the body into memory
	}
	// The deadline is for the body only. A deadline that stays set would end the
	// connection, and with it the context, of a request that takes longer. These
	// calls fail only with the response recorder of a test, which has no deadlines.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.bodyTimeout))
	body, err := readAll(http.MaxBytesReader(w, r.Body, s.options.MaxBody), r.ContentLength)
	_ = control.SetReadDeadline(time.Time{})
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return s.tooLarge()
	}
	if err != nil {
		return errdefs.New(errdefs.Canceled, "the body is incomplete: %w", err)
	}
	return decode(body)
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
