package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

const (
	// staleAfter is how long nothing may be heard of the remote pods. API servers send a
	// bookmark every minute, and the watch is opened again after watchSilence.
	staleAfter = 2 * time.Minute
	// askInterval is the pause between two questions whether the API server still accepts
	// the plugin: a watch that is open does not show that it does not.
	askInterval = 30 * time.Second
	// askAgainInterval and askAgainTimeout are for the time of trouble, so that its end is
	// seen soon.
	askAgainInterval = time.Second
	askAgainTimeout  = 3 * time.Second
	// askTimeout limits a question at other times.
	askTimeout = 20 * time.Second
	// logInterval is the pause between two looks for something to log.
	logInterval = 2 * time.Second
)

// monitor finds out how the connection with the API server is while no request uses it, and
// logs what changes.
type monitor struct {
	connection *Connection
	source     *podSource
	reviewer   Reviewer
	namespace  string
	log        *slog.Logger
	// The defaults are the constants above; tests set shorter times.
	staleAfter, askInterval, askAgainInterval, askAgainTimeout, logInterval time.Duration

	mu      sync.Mutex
	started time.Time // zero before run
}

func newMonitor(connection *Connection, source *podSource, reviewer Reviewer, namespace string, log *slog.Logger) *monitor {
	source.silence = watchSilence
	connection.pods.Store(source)
	return &monitor{
		connection: connection, source: source, reviewer: reviewer, namespace: namespace, log: log,
		staleAfter: staleAfter, askInterval: askInterval, askAgainInterval: askAgainInterval, askAgainTimeout: askAgainTimeout, logInterval: logInterval,
	}
}

func (m *monitor) run(ctx context.Context) {
	m.mu.Lock()
	m.started = time.Now()
	m.mu.Unlock()
	var running sync.WaitGroup
	running.Go(func() { m.connection.run(ctx, m.log) })
	running.Go(func() { m.logChanges(ctx) })
	for m.ask(ctx) == nil {
	}
	running.Wait()
}

// ask waits, and asks the API server whether the plugin may list pods. It returns an error when ctx is
// done.
func (m *monitor) ask(ctx context.Context) error {
	pause := m.askInterval
	if m.trouble() {
		pause = m.askAgainInterval
	}
	if err := sleep(ctx, pause); err != nil {
		return err
	}
	timeout := askTimeout
	if m.trouble() {
		timeout = m.askAgainTimeout
	}
	question, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// An error says nothing about the permission, and the connection has seen it already.
	if allowed, _, err := m.reviewer.Allowed(question, Permission{Verb: "list", Resource: "pods", Namespace: m.namespace}); err == nil {
		m.connection.health.permitted(allowed)
	}
	return ctx.Err()
}

func (m *monitor) trouble() bool {
	h := m.connection.health
	return !h.refused().Since.IsZero() || !h.unreachable().Since.IsZero()
}

// stale returns since when the pod cache is stale.
func (m *monitor) stale() Trouble {
	m.mu.Lock()
	heard := m.started
	m.mu.Unlock()
	if last := m.source.lastHeard(); last.After(heard) {
		heard = last
	}
	if age := time.Since(heard); !heard.IsZero() && age > m.staleAfter {
		return Trouble{Since: heard, Reason: errdefs.New(errdefs.Unavailable, "nothing was heard of the remote pods for %s", age.Round(time.Second))}
	}
	return Trouble{}
}

// logChanges logs when a trouble begins and when it ends.
func (m *monitor) logChanges(ctx context.Context) {
	troubles := []struct {
		of         func() Trouble
		begin, end string
		lasts      bool
	}{
		{of: m.connection.health.refused, begin: "the remote API server refuses the plugin", end: "the remote API server accepts the plugin again"},
		{of: m.connection.health.unreachable, begin: "no remote API server answers", end: "the remote API server answers again"},
		{of: m.stale, begin: "the pod cache is stale", end: "the pod cache is fresh again"},
	}
	for sleep(ctx, m.logInterval) == nil {
		for i := range troubles {
			t := &troubles[i]
			switch now := t.of(); {
			case !now.Since.IsZero() && !t.lasts:
				t.lasts = true
				m.log.Error(t.begin, "since", now.Since, "reason", now.Reason)
			case now.Since.IsZero() && t.lasts:
				t.lasts = false
				m.log.Info(t.end)
			}
		}
	}
}
