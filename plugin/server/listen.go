package server

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Listen opens the listeners, so that [Server.Addr] is known before Serve.
func (s *Server) Listen(ctx context.Context) error {
	listener, err := s.listenAPI(ctx)
	if err != nil {
		_, address := s.options.Listen()
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	if s.options.AdminAddress != "" {
		s.admin, err = new(net.ListenConfig).Listen(ctx, "tcp", s.options.AdminAddress)
		if err != nil {
			err = fmt.Errorf("listen for health and metrics on %s: %w", s.options.AdminAddress, err)
			return errors.Join(err, listener.Close())
		}
	}
	s.listener = listener
	return nil
}

// Addr returns the address of the API, AdminAddr that of health and metrics. They
// are nil before Listen, and where nothing is served.
func (s *Server) Addr() net.Addr { return address(s.listener) }

// AdminAddr is like Addr.
func (s *Server) AdminAddr() net.Addr { return address(s.admin) }

func address(listener net.Listener) net.Addr {
	if listener == nil {
		return nil
	}
	return listener.Addr()
}

func (s *Server) listenAPI(ctx context.Context) (net.Listener, error) {
	network, address := s.options.Listen()
	if network == "unix" {
		return listenUnix(ctx, address, s.options.SocketMode)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if bound, ok := listener.Addr().(*net.TCPAddr); ok && !bound.IP.IsLoopback() {
		s.log.Warn("the plugin API listens beyond loopback, and InterLink sends no credentials:"+
			" whoever reaches this address can run and delete pods; protect it with a network policy",
			"address", bound.String())
	}
	return listener, nil
}
