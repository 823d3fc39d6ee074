package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// statuses is the one table from kinds of error to HTTP.
var statuses = map[errdefs.Kind]int{
	errdefs.Invalid:     http.StatusUnprocessableEntity,
	errdefs.TooLarge:    http.StatusRequestEntityTooLarge,
	errdefs.NotFound:    http.StatusNotFound,
	errdefs.Refused:     http.StatusForbidden,
	errdefs.Exists:      http.StatusConflict,
	errdefs.Conflict:    http.StatusConflict,
	errdefs.Unavailable: http.StatusServiceUnavailable,
	// The caller is gone, or its request was overtaken; nobody is to blame.
	errdefs.Canceled: http.StatusServiceUnavailable,
	errdefs.Internal: http.StatusInternalServerError,
}

// internalDetail is all that a caller learns of a fault of the plugin.
const internalDetail = "internal error of the plugin; its log says more"

const textPlain = "text/plain; charset=utf-8"

// maxDetail is the length of a detail in bytes: InterLink shows it in kubectl.
const maxDetail = 2000

// statusError is a failure that only HTTP knows.
type statusError struct {
	status int
	detail string
}

func (e *statusError) Error() string { return e.detail }

func failWith(status int, format string, args ...any) error {
	return errdefs.Wrap(errdefs.Invalid, &statusError{status, fmt.Sprintf(format, args...)})
}

// statusCode returns the HTTP status that says err.
func statusCode(err error) int {
	if own, ok := errors.AsType[*statusError](err); ok {
		return own.status
	}
	if code, ok := statuses[errdefs.KindOf(err)]; ok {
		return code
	}
	return http.StatusInternalServerError
}

// writeError answers with err; what goes wrong in that, nobody is there to read.
func writeError(w http.ResponseWriter, err error) {
	code, detail := statusCode(err), internalDetail
	if code != http.StatusInternalServerError {
		detail = oneLine(err.Error(), maxDetail)
	}
	_ = writeJSON(w, code, wire.ErrorResponse{Detail: detail})
}

// writeJSON answers with value. It leaves <, > and & as they are: InterLink shows
// details to people, and escapes them itself.
func writeJSON(w http.ResponseWriter, code int, value any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	return write(w, code, "application/json", body.Bytes())
}

func write(w http.ResponseWriter, code int, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	if _, err := w.Write(body); err != nil {
		return gone(err)
	}
	return nil
}

// oneLine makes text safe for a log or an answer: one line, printable, and at
// most limit bytes long.
func oneLine(text string, limit int) string {
	const more = "..."
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit-len(more)], "") + more
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
