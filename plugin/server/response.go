package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// internalDetail is the response to an internal error. Its cause is only logged,
// because it may contain a secret.
const internalDetail = "internal error of the plugin; see its log"

const textPlain = "text/plain; charset=utf-8"

// maxDetail is the longest detail of an error, in bytes. InterLink shows the detail
// in the pod's status.
const maxDetail = 2000

// writeError sends err as the response. If that fails, the caller has disconnected.
func writeError(w http.ResponseWriter, err error) {
	code, detail := httpStatus(err), internalDetail
	if code != http.StatusInternalServerError {
		detail = oneLine(err.Error(), maxDetail)
	}
	_ = writeJSON(w, code, wire.ErrorResponse{Detail: detail})
}

// writeJSON sends value as the response. It does not escape <, > and &: InterLink
// escapes the text itself (docs/contract.md, CREATE-5).
func writeJSON(w http.ResponseWriter, code int, value any) error {
	encoder := json.NewEncoder(jsonWriter{w, code})
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("send the response: %w", err)
	}
	return nil
}

// jsonWriter sends what is written as the response. An encoder writes a value at once,
// and nothing if it cannot encode the value.
type jsonWriter struct {
	w    http.ResponseWriter
	code int
}

// Write sends the whole response.
func (w jsonWriter) Write(body []byte) (int, error) {
	return len(body), write(w.w, w.code, "application/json", body)
}

func write(w http.ResponseWriter, code int, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	if _, err := w.Write(body); err != nil {
		return clientDisconnected(err)
	}
	return nil
}

// clientDisconnected returns the error for a failure to send data to the caller.
func clientDisconnected(err error) error {
	return errdefs.New(errdefs.Canceled, "the caller disconnected: %w", err)
}

// oneLine returns text that is safe for a log or a response: one line of printable
// characters, at most limit bytes long.
func oneLine(text string, limit int) string {
	const ellipsis = "..."
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit-len(ellipsis)], "") + ellipsis
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
