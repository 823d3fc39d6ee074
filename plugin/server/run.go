package server

import "context"

// Run listens, serves until ctx is done, and shuts down; see [Server.Serve].
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	return s.Serve(ctx)
}
