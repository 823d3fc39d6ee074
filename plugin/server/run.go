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

// Serve answers requests on the listeners that [Server.Listen] opened, until ctx
// is done. Then it stops accepting, ends the streams that follow a log (they
// would hold the shutdown for ever), and lets the other requests end within the
// grace. What still runs is cancelled and has a few seconds to undo what it did.
//
// It returns nil when every request ended, an error when one had to be abandoned
// or a listener failed.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("serve: not listening")
	}
	defer s.stop()
	// Requests outlive ctx: its end starts the shutdown, it does not cut them off.
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
		// Health is served to the end, so that probes can see the shutdown.
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

// drain stops accepting and waits for the requests in flight.
func (s *Server) drain(api *http.Server, cancelRequests context.CancelCauseFunc) error {
	err := shutdown(api, s.options.ShutdownGrace)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.log.Warn("requests outlived the shutdown grace: cancelling them",
		"grace", s.options.ShutdownGrace, "rollback", s.rollback)
	cancelRequests(errStopping)
	err = shutdown(api, s.rollback)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.Join(errors.New("shutdown: requests were abandoned: they did not end when cancelled"), api.Close())
}

func shutdown(server *http.Server, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return server.Shutdown(ctx)
}

// httpServer returns a server with the timeouts that InterLink needs. There is no
// WriteTimeout, because it would cut streams, and no ReadTimeout, because it
// would count the time that a create works; bodies have a deadline of their own.
func (s *Server) httpServer(requests context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}
