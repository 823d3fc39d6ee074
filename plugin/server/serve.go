package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve handles requests on the listeners that [Server.Listen] opened, until ctx is
// done. Then it shuts down: it accepts no new connections, ends logs that are
// followed (they may never end by themselves), and waits for the other requests for
// the shutdown grace. After that it cancels the requests that still run, and gives
// them a few seconds for their rollback.
//
// It returns nil if every request ended, and an error if a request did not end or a
// listener failed.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("serve: call Listen first")
	}
	defer s.stop()
	// The end of ctx starts the shutdown; it must not cancel requests.
	requests, cancelRequests := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelRequests(nil)

	var running sync.WaitGroup
	defer running.Wait()
	failed := make(chan error, 2)
	start := func(server *http.Server, listener net.Listener) {
		running.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s: %w", listener.Addr(), err)
			}
		})
	}
	api := s.httpServer(requests, s.Handler())
	start(api, s.listener)
	s.log.Info("serving the plugin API", "address", s.listener.Addr().String())
	if s.admin != nil {
		admin := s.httpServer(requests, s.adminHandler())
		// Probes must see the shutdown, so health is served until the end.
		defer func() { _ = admin.Close() }()
		start(admin, s.admin)
		s.log.Info("serving health and metrics", "address", s.admin.Addr().String())
	}

	var cause error
	select {
	case <-ctx.Done():
		s.log.Info("shutting down", "grace", s.options.ShutdownGrace)
	case cause = <-failed:
	}
	s.stop()
	return errors.Join(cause, s.drain(api, cancelRequests))
}

// drain accepts no new connections and waits for the requests in flight.
func (s *Server) drain(api *http.Server, cancelRequests context.CancelCauseFunc) error {
	err := shutdown(api, s.options.ShutdownGrace)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.log.Warn("requests are still running after the shutdown grace; canceling them",
		"grace", s.options.ShutdownGrace, "rollback-timeout", s.rollback)
	cancelRequests(errStopping)
	err = shutdown(api, s.rollback)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.Join(errors.New("shutdown: some requests did not end after they were canceled"), api.Close())
}

func shutdown(server *http.Server, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return server.Shutdown(ctx)
}

// httpServer returns a server with the timeouts that fit InterLink. It sets no
// WriteTimeout, which would cut logs, and no ReadTimeout, which would include the
// time that a create takes; readBody sets a deadline for the body.
func (s *Server) httpServer(requests context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}
