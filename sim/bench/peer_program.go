package bench

import (
	"context"
	"errors"
	"net/http"
	"os"
)

// peerProgram returns a process that stands behind a unix socket as the plugin does (cmd/peer), which several
// measurements share.
func (b *Bench) peerProgram(ctx context.Context) (*program, error) {
	if b.peer != nil {
		return b.peer, nil
	}
	path, err := b.build(ctx, "sim/bench/cmd/peer")
	if err != nil {
		return nil, err
	}
	b.started++
	socket := b.path("sock")
	p, err := b.launch(socket, nil, path, "-socket="+socket, "-kubeconfig="+b.kubeconfig)
	if err != nil {
		return nil, err
	}
	err = b.eventually(ctx, "the socket of the peer", func() (bool, error) {
		_, err := os.Stat(socket)
		return err == nil, nil
	})
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	b.peer = p
	return p, nil
}

// statusSides returns the plugin and its peer, in the order of the figures.
func (b *Bench) statusSides(ctx context.Context) (sides [2]*program, err error) {
	if sides[0], err = b.defaultProgram(ctx); err != nil {
		return sides, err
	}
	sides[1], err = b.peerProgram(ctx)
	return sides, err
}

// statusCall returns a function that sends the body of a status call to a path.
func (p *program) statusCall(ctx context.Context, path string) func(body []byte) error {
	return func(body []byte) error { _, err := p.call(ctx, http.MethodGet, path, body); return err }
}
