package lifecycle

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// Stats say what a Lifecycle does, and has done since it was made.
type Stats struct {
	// CreatesInFlight is the number of creates that run, and CreatesQueued that of those that wait for their
	// turn. A create whose refusal is answered late is in neither.
	CreatesInFlight, CreatesQueued int
	// OldestCreate is when the oldest of all these was received; zero if there is none.
	OldestCreate time.Time
	// PendingDeletes and PendingRollbacks are the numbers of deletes and rollbacks that are repeated
	// in the background until they succeed.
	PendingDeletes, PendingRollbacks int
	// OldestDelete is when the oldest of the pending deletes came; zero if there is none.
	OldestDelete time.Time
	// MeshFailures is the number of pods that were ended because their mesh network failed.
	MeshFailures uint64
	// Refusals has, by reason (one of RefusalReasons), the number of creates that were refused for good; one
	// with several reasons counts for each.
	Refusals map[string]uint64
	// Warnings has, by kind, the number of creates with at least one warning of this kind.
	Warnings map[translate.WarningKind]uint64
	// Retries has, by kind of the failure, the number of failures of remote work that were, or would have
	// been, repeated.
	Retries map[errdefs.Kind]uint64
}

// Stats returns what the Lifecycle does and has done.
func (l *Lifecycle) Stats() Stats {
	s := l.counters.stats()
	s.CreatesQueued = l.creates.Waiting()
	s.CreatesInFlight = max(0, s.CreatesInFlight-s.CreatesQueued)
	s.PendingDeletes, s.OldestDelete = l.retries.count(deleteJob)
	s.PendingRollbacks, _ = l.retries.count(rollbackJob)
	return s
}

// counters count what a Lifecycle has done. The zero value is ready for use.
type counters struct {
	mu           sync.Mutex
	creates      map[*time.Time]struct{} // when each that runs or waits was received
	meshFailures uint64
	retries      map[errdefs.Kind]uint64
	refusals     map[string]uint64
	warnings     map[translate.WarningKind]uint64
}

// addCreate records a create. The caller calls ended once.
func (c *counters) addCreate() (ended func()) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.creates == nil {
		c.creates = map[*time.Time]struct{}{}
	}
	c.creates[&now] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.creates, &now)
	}
}

func (c *counters) addMeshFailure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.meshFailures++
}

// addRetry records a failure that may pass.
func (c *counters) addRetry(kind errdefs.Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retries == nil {
		c.retries = map[errdefs.Kind]uint64{}
	}
	c.retries[kind]++
}

// The reasons of refusals that no part of the plugin has given a code.
const (
	refusedByRemote = "remote"            // the remote API server, or an admission policy of it
	refusedInvalid  = "invalid"           // the remote API server finds the pod invalid
	refusedQuota    = "quota"             // a full quota, and the pod cannot wait
	refusedExists   = "exists"            // an object of that name is not the plugin's
	refusedMissing  = "namespace_missing" // the remote namespace does not exist
)

// RefusalReasons are the reasons for which creates are refused for good.
var RefusalReasons = slices.Compact(slices.Sorted(slices.Values(slices.Concat(policy.Refusals, translate.Refusals,
	[]string{refusedByRemote, refusedInvalid, refusedQuota, refusedExists, refusedMissing}))))

// addRefusal records a refusal that is final.
func (c *counters) addRefusal(err error) {
	codes := errdefs.Codes(err)
	if len(codes) == 0 {
		codes = []string{map[errdefs.Kind]string{
			errdefs.Refused: refusedByRemote, errdefs.Invalid: refusedInvalid, errdefs.OverQuota: refusedQuota,
			errdefs.Exists: refusedExists, errdefs.NotFound: refusedMissing,
		}[errdefs.KindOf(err)]}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals == nil {
		c.refusals = map[string]uint64{}
	}
	for _, code := range codes {
		c.refusals[code]++
	}
}

// addWarnings records the warnings of one create.
func (c *counters) addWarnings(kinds []translate.WarningKind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.warnings == nil {
		c.warnings = map[translate.WarningKind]uint64{}
	}
	for _, kind := range kinds {
		c.warnings[kind]++
	}
}

// stats returns what was counted. CreatesInFlight has also the creates that wait for their turn.
func (c *counters) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{
		CreatesInFlight: len(c.creates), MeshFailures: c.meshFailures,
		Retries: maps.Clone(c.retries), Refusals: maps.Clone(c.refusals), Warnings: maps.Clone(c.warnings),
	}
	for at := range c.creates {
		if s.OldestCreate.IsZero() || at.Before(s.OldestCreate) {
			s.OldestCreate = *at
		}
	}
	return s
}

// AddRetry counts a failure of a part of the plugin that repeats its calls in the background, like the
// Lifecycle does.
func (l *Lifecycle) AddRetry(kind errdefs.Kind) { l.counters.addRetry(kind) }
