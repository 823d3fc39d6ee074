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

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Lifecycle is what the server asks of the plugin. Requests are valid when they
// arrive here: names, namespace and UID are there, and the UID has a UID's form.
// Errors carry a kind of package errdefs; one without is a fault of the plugin,
// whose text is logged and not told. The context ends when the caller leaves,
// or when a shutdown has waited long enough.
type Lifecycle interface {
	// Create makes the remote pod and what it needs. It may be called again for
	// a pod that runs, also while another call for it is under way.
	Create(ctx context.Context, request *wire.CreateRequest) (wire.CreateResponse, error)
	// Delete takes the remote pod away; a pod that is not there is no error.
	Delete(ctx context.Context, pod *corev1.Pod) error
	// Status tells the state of at least one pod.
	Status(ctx context.Context, pods []corev1.Pod) ([]wire.PodStatus, error)
	// Logs opens the log of one container. The stream's Close is called once,
	// maybe while a Read blocks, and must then end that Read. The context of a
	// stream that follows ends at the start of a shutdown.
	Logs(ctx context.Context, request wire.LogRequest) (io.ReadCloser, error)
}

// Check is one named condition of the plugin's being ready.
type Check struct {
	Name string
	// Check returns what is missing, or nil. It is given a few seconds.
	Check func(ctx context.Context) error
}

// Options are the options of section [app], and what the server works with.
type Options struct {
	config.App
	// LogRequests logs each request at info level instead of debug level.
	LogRequests bool
	Lifecycle   Lifecycle
	// Logger gets one line for each request and each failure; nil discards them.
	Logger *slog.Logger
	// Ready are the conditions of /readyz.
	Ready []Check
	// Registry is where the server registers its metrics, and what /metrics
	// serves; nil creates one. It must not contain the Go and process collectors.
	Registry *prometheus.Registry
}

const (
	// readHeaderTimeout bounds a caller that says nothing.
	readHeaderTimeout = 10 * time.Second
	// bodyTimeout bounds the arrival of a body. There is no limit on the whole
	// request (http.Server's ReadTimeout): a create may work for 100 s.
	bodyTimeout = 60 * time.Second
	// idleTimeout is longer than the 120 s for which InterLink keeps a connection
	// in its pool: the other way round, a create could be sent into a connection
	// that is just being closed here, and its pod be failed for good.
	idleTimeout = 180 * time.Second
	// rollbackTime is what requests have, after the grace, to undo what they did:
	// a create takes at most 10 s for it.
	rollbackTime = 12 * time.Second
)

// Server serves the plugin's API once: after Serve has returned it is spent.
type Server struct {
	options Options
	log     *slog.Logger
	routes  map[string]route
	metrics *metrics

	// Fields, so that tests need not wait so long.
	bodyTimeout, rollback time.Duration

	// stopping ends at the start of a shutdown. It is no request's context and
	// so has to be kept: streams that follow a log, and readiness, watch it.
	stopping context.Context
	stop     context.CancelFunc

	listener, admin net.Listener
}

// New checks the options and returns a server that does not listen yet.
func New(options Options) (*Server, error) {
	if options.Lifecycle == nil {
		return nil, errors.New("server: a Lifecycle is needed")
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Registry == nil {
		options.Registry = prometheus.NewRegistry()
	}
	s := &Server{options: options, log: options.Logger, bodyTimeout: bodyTimeout, rollback: rollbackTime}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.routes = s.apiRoutes()
	if err := s.addDocs(); err != nil {
		return nil, fmt.Errorf("server: docs: %w", err)
	}
	var err error
	if s.metrics, err = newMetrics(options); err != nil {
		return nil, fmt.Errorf("server: metrics: %w", err)
	}
	return s, nil
}

// Handler returns the API without a listener, for tests.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

// Run listens, serves until ctx is done, and shuts down; see [Server.Serve].
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	return s.Serve(ctx)
}
