package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Lifecycle handles the requests. The server validates them first: names, namespaces
// and UIDs are present and well formed. Errors have a kind of package errdefs; an
// error without a kind is an internal error, whose text is logged but not sent. The
// context ends when the caller disconnects, or after the grace of a shutdown.
type Lifecycle interface {
	// Create creates the remote pod and the objects that it needs. It may be called
	// again for a pod that exists, also while another call for the pod runs.
	Create(ctx context.Context, request *wire.CreateRequest) (wire.CreateResponse, error)
	// Delete deletes the remote pod; it is no error if the pod does not exist.
	Delete(ctx context.Context, pod *corev1.Pod) error
	// Status returns the status of one or more pods.
	Status(ctx context.Context, pods []corev1.Pod) ([]wire.PodStatus, error)
	// Logs opens the log of a container. The server calls Close once. It may do so
	// while Read blocks; then Close must end Read. If the log is followed, the context
	// ends at the start of a shutdown.
	Logs(ctx context.Context, request wire.LogRequest) (io.ReadCloser, error)
}

// Originals gets pods of status requests as the user wrote them (docs/contract.md, STATUS-3):
// the server decodes only a part of a pod otherwise.
type Originals interface {
	// NeedsOriginal reports whether a create waits for the local pod with a UID.
	NeedsOriginal(uid types.UID) bool
	// HandOver hands the pod to the creates that wait for it.
	HandOver(pod *corev1.Pod)
}

// Check is a readiness check.
type Check struct {
	Name string
	// Check returns why the plugin is not ready, or nil. Its context ends after a few
	// seconds.
	Check func(ctx context.Context) error
	// Note returns what else is said of a check that succeeds, or ""; it may be nil.
	Note func() string
}

// Options are the options of section [app], and what the server works with.
type Options struct {
	config.App
	// LogRequests says whether each request is logged at info level instead of debug level; nil: no.
	LogRequests func() bool
	Lifecycle   Lifecycle
	// Originals may be nil.
	Originals Originals
	// Ping returns what the virtual node offers, or nil if the ping says nothing about it. An error makes the
	// node NotReady. Ping may be nil.
	Ping func() (*wire.PingResponse, error)
	// Logger gets one line for each request and each failure; nil discards them.
	Logger *slog.Logger
	// Ready are the conditions of /readyz.
	Ready []Check
	// Verbose are the conditions that only /readyz?verbose has, after those.
	Verbose []Check
	// Registry is where the server registers its metrics, and what /metrics
	// serves; nil creates one. It must not contain the Go and process collectors.
	Registry *prometheus.Registry
	// Admin serves what else is asked for on the admin address: the page and the documentation, which need
	// [app] admin_token_file. It may be nil.
	Admin http.Handler
}

// Server serves the plugin's API. It cannot be used again after Serve returns.
type Server struct {
	options Options
	log     *slog.Logger
	routes  map[string]route
	metrics *metrics
	tracing *tracing.Tracing // nil if there are no traces

	// The defaults are in timeouts.go; tests set shorter times.
	bodyTimeout, rollback time.Duration
	// largeCreates are in memory for as long as the creates take; the bodies of other
	// requests, until they are decoded. So that no create keeps status calls out, there is
	// room for each.
	largeCreates, largeBodies *largeBodies

	// stopping ends at the start of a shutdown. Logs that are followed and the
	// readiness check watch it. It is a field because it belongs to no request.
	stopping context.Context
	stop     context.CancelFunc

	listener, admin net.Listener
}

// New returns a server that does not listen yet.
func New(options Options) (*Server, error) {
	if options.Lifecycle == nil {
		return nil, errors.New("server: Options.Lifecycle is nil")
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Registry == nil {
		options.Registry = prometheus.NewRegistry()
	}
	s := &Server{options: options, log: options.Logger, bodyTimeout: bodyTimeout, rollback: rollbackTime,
		largeCreates: newLargeBodies(options.MaxBody, createTurnTimeout), largeBodies: newLargeBodies(options.MaxBody, turnTimeout)}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.routes = s.apiRoutes()
	if err := s.addDocs(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	var err error
	if s.metrics, err = newMetrics(options); err != nil {
		return nil, fmt.Errorf("server: metrics: %w", err)
	}
	return s, nil
}

// Handler returns the handler of the API, for tests without a listener.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }
