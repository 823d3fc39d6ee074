package server

import "time"

const (
	// readHeaderTimeout limits the time that a caller may take to send the headers.
	readHeaderTimeout = 10 * time.Second
	// bodyTimeout limits the time that a body may take to arrive. There is no limit
	// for the whole request (http.Server.ReadTimeout): a create may take 100 s.
	bodyTimeout = 60 * time.Second
	// restOfBodyTimeout limits the time for the rest of a body that no handler reads, or
	// that is incomplete when the shutdown begins.
	restOfBodyTimeout = time.Second
	// turnTimeout and createTurnTimeout limit the time that a request with a large body may
	// wait until there is room for it in memory. A create that fails makes the local pod
	// Failed for good, so it waits for nearly all of the 120 s that InterLink waits.
	turnTimeout       = 15 * time.Second
	createTurnTimeout = 90 * time.Second
	// idleTimeout must be longer than the 120 s for which InterLink keeps an idle
	// connection. Otherwise the server could close a connection just when InterLink
	// sends a create on it, and the pod would fail for good (docs/contract.md, HTTP-6).
	idleTimeout = 180 * time.Second
	// rollbackTime is how long requests that are canceled after the shutdown grace
	// may take for their rollback. A create needs at most 10 s for it.
	rollbackTime = 12 * time.Second
	// checkTimeout limits each readiness check.
	checkTimeout = 5 * time.Second
)
