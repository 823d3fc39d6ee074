package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// httpStatuses maps each kind of error to an HTTP status. It is the only such table.
var httpStatuses = map[errdefs.Kind]int{
	errdefs.Invalid:     http.StatusUnprocessableEntity,
	errdefs.TooLarge:    http.StatusRequestEntityTooLarge,
	errdefs.NotFound:    http.StatusNotFound,
	errdefs.Refused:     http.StatusForbidden,
	errdefs.OverQuota:   http.StatusForbidden,
	errdefs.Exists:      http.StatusConflict,
	errdefs.Conflict:    http.StatusConflict,
	errdefs.NotYet:      http.StatusServiceUnavailable,
	errdefs.Unavailable: http.StatusServiceUnavailable,
	// The caller disconnected, or the server is shutting down.
	errdefs.Canceled: http.StatusServiceUnavailable,
	errdefs.Internal: http.StatusInternalServerError,
}

// httpStatus returns the HTTP status for err.
func httpStatus(err error) int {
	if own, ok := errors.AsType[*statusError](err); ok {
		return own.status
	}
	if code, ok := httpStatuses[errdefs.KindOf(err)]; ok {
		return code
	}
	return http.StatusInternalServerError
}

// statusError is an error of the HTTP protocol, for which errdefs has no kind.
type statusError struct {
	status int
	detail string
}

func (e *statusError) Error() string { return e.detail }

func newStatusError(status int, format string, args ...any) error {
	return errdefs.Wrap(errdefs.Invalid, &statusError{status, fmt.Sprintf(format, args...)})
}
