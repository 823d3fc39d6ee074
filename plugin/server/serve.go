package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// serveHTTP answers one request: it finds the route, guards it, answers its
// error, and counts and logs what came of it.
func (s *Server) serveHTTP(plain http.ResponseWriter, r *http.Request) {
	began := time.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	w := &recorder{ResponseWriter: plain}
	session := cleanSession(r.Header.Get(wire.SessionHeader))
	if session != "" {
		w.Header().Set(wire.SessionHeader, session)
	}

	var about subject
	label, err := s.dispatch(w, r, &about)
	// Once the headers are out there is no other way to say that something is
	// wrong: the caller must not take half an answer for a whole one.
	abort := err != nil && (w.status != 0 || errors.Is(err, http.ErrAbortHandler))
	if err != nil && !abort {
		writeError(w, err)
	}
	took := time.Since(began)
	s.metrics.requests.WithLabelValues(label, strconv.Itoa(w.status)).Inc()
	s.metrics.duration.WithLabelValues(label).Observe(took.Seconds())
	s.logRequest(r, w.status, took, session, about, err)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// dispatch hands the request to its route and returns the route's label for the
// metrics, which must not grow with what callers make up.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, about *subject) (string, error) {
	route, ok := s.routes[r.URL.Path]
	if !ok {
		paths := slices.Sorted(maps.Keys(s.routes))
		return "other", errdefs.New(errdefs.NotFound, "there is no %s here, only %s",
			oneLine(r.URL.Path, 200), strings.Join(paths, ", "))
	}
	if !slices.Contains(route.methods, r.Method) {
		allowed := strings.Join(route.methods, ", ")
		w.Header().Set("Allow", allowed)
		return r.URL.Path, failWith(http.StatusMethodNotAllowed, "%s takes %s, not %s",
			r.URL.Path, allowed, oneLine(r.Method, 50))
	}
	return r.URL.Path, guard(route, w, r, about)
}

// guard turns a panic of one request into that request's error.
func guard(route route, w http.ResponseWriter, r *http.Request, about *subject) (err error) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler: // how a handler asks for the connection to be cut
			err = errdefs.Wrap(errdefs.Canceled, http.ErrAbortHandler)
		default:
			err = &panicError{cause: cause, stack: debug.Stack()}
		}
	}()
	return route.serve(w, r, about)
}

// panicError is a panic. Its stack is for the log alone.
type panicError struct {
	cause any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

// logRequest writes the one line of a request. It never holds a body.
func (s *Server) logRequest(r *http.Request, status int, took time.Duration, session string, about subject, err error) {
	level, message := slog.LevelDebug, "request"
	if changes := r.Method == http.MethodPost && (r.URL.Path == "/create" || r.URL.Path == "/delete"); changes || s.options.LogRequests {
		// What changes the remote cluster can be followed by its session at
		// default settings, too; polls would drown everything else.
		level = slog.LevelInfo
	}
	attributes := []slog.Attr{
		slog.String("method", oneLine(r.Method, 50)),
		slog.String("path", oneLine(r.URL.Path, 200)),
		slog.Int("status", status),
		slog.Duration("duration", took),
	}
	if session != "" {
		attributes = append(attributes, slog.String("session", session))
	}
	if about.name != "" || about.uid != "" {
		attributes = append(attributes, slog.Group("pod",
			slog.String("namespace", oneLine(about.namespace, 63)),
			slog.String("name", oneLine(about.name, 253)),
			slog.String("uid", oneLine(about.uid, 63))))
	} else if about.pods > 0 {
		attributes = append(attributes, slog.Int("pods", about.pods))
	}
	if err != nil {
		level, message = failureLevel(err), "request failed"
		attributes = append(attributes, slog.String("error", oneLine(err.Error(), maxDetail)))
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		attributes = append(attributes, slog.String("stack", string(p.stack)))
	}
	s.log.LogAttrs(context.WithoutCancel(r.Context()), level, message, attributes...)
}

func failureLevel(err error) slog.Level {
	switch errdefs.KindOf(err) {
	case errdefs.Internal:
		return slog.LevelError
	case errdefs.Canceled: // the caller's choice
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// cleanSession keeps at most 128 printable ASCII characters of the session header.
func cleanSession(session string) string {
	const limit = 128
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, session[:min(len(session), 4*limit)])
	return strings.TrimSpace(clean[:min(len(clean), limit)])
}

// recorder remembers the status that was sent; 0 means that none was yet.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
