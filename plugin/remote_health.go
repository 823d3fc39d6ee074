package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
)

func (p *Plugin) remoteAccepted(context.Context) error { return lasting(p.cluster.Refused()) }

func (p *Plugin) watchFresh(context.Context) error { return lasting(p.cluster.Stale()) }

// lasting returns a trouble as an error.
func lasting(t cluster.Trouble) error {
	if t.Since.IsZero() {
		return nil
	}
	return fmt.Errorf("since %s: %w", t.Since.UTC().Format(time.RFC3339), t.Reason)
}
