package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// requestInfo is what a request concerns, for the log and the traces.
type requestInfo struct {
	// session is what InterLink calls the request.
	session string

	namespace, name, uid string
	// pods is the number of pods in the request; listed says that it is a list of pods, which can be empty.
	pods   int
	listed bool
}

func (i *requestInfo) set(namespace, name, uid string) {
	i.namespace, i.name, i.uid, i.pods = namespace, name, uid, 1
}

func (i *requestInfo) setPod(pod *corev1.Pod) { i.set(pod.Namespace, pod.Name, string(pod.UID)) }

// logRequest logs one line for a request. The line never contains a body, which may
// contain secrets (docs/contract.md, HTTP-10).
func (s *Server) logRequest(r *http.Request, status int, duration time.Duration, info requestInfo, err error) {
	level, message := slog.LevelDebug, "request"
	if changes := r.Method == http.MethodPost && (r.URL.Path == "/create" || r.URL.Path == "/delete"); changes || s.options.LogRequests != nil && s.options.LogRequests() {
		// Creates and deletes are logged by default. Status requests come every few
		// seconds for each pod.
		level = slog.LevelInfo
	}
	if err != nil {
		level, message = failureLevel(err), "request failed"
	}
	ctx := context.WithoutCancel(r.Context())
	if !s.log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("method", oneLine(r.Method, 50)),
		slog.String("path", oneLine(r.URL.Path, 200)),
		slog.Int("status", status),
		slog.Duration("duration", duration),
	}
	if info.session != "" {
		attributes = append(attributes, slog.String("session", info.session))
	}
	if trace := tracing.ID(ctx); trace != "" {
		attributes = append(attributes, slog.String("trace", trace))
	}
	if info.name != "" || info.uid != "" {
		attributes = append(attributes, slog.Group("pod",
			slog.String("namespace", oneLine(info.namespace, 63)),
			slog.String("name", oneLine(info.name, 253)),
			slog.String("uid", oneLine(info.uid, 63))))
	} else if info.pods > 0 {
		attributes = append(attributes, slog.Int("pods", info.pods))
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", oneLine(err.Error(), maxDetail)))
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		attributes = append(attributes, slog.String("stack", string(p.stack)))
	}
	s.log.LogAttrs(ctx, level, message, attributes...)
}

func failureLevel(err error) slog.Level {
	switch errdefs.KindOf(err) {
	case errdefs.Internal:
		return slog.LevelError
	case errdefs.Canceled: // the caller disconnected: not a failure of the plugin
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// cleanSession returns the session header (docs/contract.md, HTTP-4): its printable
// ASCII characters, at most 128.
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
