package server

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Listen opens the listeners. After it returns, [Server.Addr] returns the address.
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

// Addr returns the address of the API; nil before Listen.
func (s *Server) Addr() net.Addr { return address(s.listener) }

// AdminAddr returns the address of health, readiness and metrics; nil before Listen,
// and if they are disabled.
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
		s.log.Warn("the plugin listens on an address that is not loopback, and InterLink sends no credentials:"+
			" every client that can reach this address can create and delete pods; protect it with a network policy",
			"address", bound.String())
	}
	return listener, nil
}
