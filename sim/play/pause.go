package play

import (
	"context"
	"fmt"
)

// pauseBeforeCreates sends a ping, and then nothing for as long as the scenario says: the
// creates that follow use a connection that was idle (docs/contract.md, HTTP-6).
func (p *player) pauseBeforeCreates(ctx context.Context) error {
	env := p.env
	pause := env.file.CreateAfter.Duration
	if pause == 0 {
		return nil
	}
	if _, err := env.kubelet.Ping(ctx); err != nil {
		return fmt.Errorf("before the pause of %s: %w", pause, err)
	}
	if err := env.clock.waitUntil(ctx, env.clock.Now().Add(pause)); err != nil {
		return err
	}
	env.started = env.clock.Now()
	return nil
}
