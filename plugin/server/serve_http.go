package server

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// serveHTTP handles one request: it calls the route's handler, sends the handler's
// error, and counts and logs the request.
func (s *Server) serveHTTP(plain http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	w := &statusRecorder{ResponseWriter: plain}
	session := cleanSession(r.Header.Get(wire.SessionHeader))
	if session != "" {
		w.Header().Set(wire.SessionHeader, session)
	}

	limitUnreadBody(w, r)
	info := requestInfo{session: session}
	var span trace.Span
	if s.tracing.Enabled() {
		r, span = s.beginSpan(r, session)
	}
	label, err := s.dispatch(w, r, &info)
	// After the headers are sent, cutting the connection is the only way to report
	// an error: otherwise the caller takes an incomplete response for a complete one.
	abort := err != nil && (w.status != 0 || errors.Is(err, http.ErrAbortHandler))
	if err != nil && !abort {
		writeError(w, err)
	}
	duration := time.Since(start)
	s.metrics.requests.WithLabelValues(label, strconv.Itoa(w.status)).Inc()
	s.metrics.duration.WithLabelValues(label).Observe(duration.Seconds())
	s.logRequest(r, w.status, duration, info, err)
	if span != nil {
		endSpan(span, w.status, info, err)
	}
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// dispatch calls the handler of the request's route. It returns the label of the
// route for the metrics; unknown paths share one label, because callers can invent
// any number of them.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, info *requestInfo) (label string, err error) {
	route, ok := s.routes[r.URL.Path]
	if !ok {
		paths := slices.Sorted(maps.Keys(s.routes))
		return "other", errdefs.New(errdefs.NotFound, "unknown path %s; known paths are %s",
			oneLine(r.URL.Path, 200), strings.Join(paths, ", "))
	}
	if !slices.Contains(route.methods, r.Method) {
		allowed := strings.Join(route.methods, ", ")
		w.Header().Set("Allow", allowed)
		return r.URL.Path, newStatusError(http.StatusMethodNotAllowed, "%s does not allow method %s; allowed: %s",
			r.URL.Path, oneLine(r.Method, 50), allowed)
	}
	return r.URL.Path, recoverPanic(route, w, r, info)
}

// recoverPanic calls the route's handler and returns a panic as an error.
func recoverPanic(route route, w http.ResponseWriter, r *http.Request, info *requestInfo) (err error) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler: // the handler asks net/http to cut the connection
			err = errdefs.Wrap(errdefs.Canceled, http.ErrAbortHandler)
		default:
			err = &panicError{cause: cause, stack: debug.Stack()}
		}
	}()
	return route.serve(w, r, info)
}

// panicError is a recovered panic. Its stack is only logged.
type panicError struct {
	cause any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

// statusRecorder records the status of the response; 0 means that no status is sent
// yet.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader records and sends the status.
func (w *statusRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends data, and records the status 200 if no status was sent.
func (w *statusRecorder) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController use the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
