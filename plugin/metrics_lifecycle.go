package plugin

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// lifecycleMetrics are the metrics of creates and deletes; one scrape asks the lifecycle once.
type lifecycleMetrics struct{ stats func() lifecycle.Stats }

var (
	createsInFlight  = describe("creates_in_flight", "Number of creates that run. One that waits for its turn, and one whose refusal is answered late, is not among them.")
	createsQueued    = describe("creates_queued", "Number of creates that wait for their turn.")
	createsOldest    = describe("creates_oldest_seconds", "For how long the oldest create that runs or waits for its turn has been doing so. 0 if there is none.")
	pendingDeletes   = describe("pending_deletes", "Number of deletes that are repeated in the background until they succeed.")
	deletesOldest    = describe("pending_deletes_oldest_seconds", "For how long the oldest delete has been repeated in the background. 0 if there is none.")
	pendingRollbacks = describe("pending_rollbacks", "Number of rollbacks of failed creates that are repeated in the background until they succeed.")
	meshFailures     = describe("mesh_failures_total", "Number of remote pods that this replica has ended because their mesh network failed.")
	retriesTotal     = describe("retries_total", "Number of failures of work in the remote cluster that is then repeated, by reason.", "reason")

	refusalsTotal = describe("refusals_total", "Number of creates that were refused for good, by reason. A create with several reasons counts for each.", "reason")
	warningsTotal = describe("warnings_total", "Number of creates with a warning about this part of the pod, by kind.", "kind")

	// retryReasons are the kinds of failure that are repeated; deletes are repeated after any.
	retryReasons = []errdefs.Kind{errdefs.Unavailable, errdefs.Conflict, errdefs.NotYet}
)

// otherReason is the value of a label for all that has no value of its own.
const otherReason = "other"

// Describe sends the descriptions of the metrics.
func (m lifecycleMetrics) Describe(to chan<- *prometheus.Desc) {
	sendAll(to, createsInFlight, createsQueued, createsOldest, pendingDeletes, deletesOldest, pendingRollbacks, meshFailures, retriesTotal, refusalsTotal, warningsTotal)
}

// Collect sends the metrics.
func (m lifecycleMetrics) Collect(to chan<- prometheus.Metric) {
	s := m.stats()
	to <- gauge(createsInFlight, float64(s.CreatesInFlight))
	to <- gauge(createsQueued, float64(s.CreatesQueued))
	to <- gauge(createsOldest, secondsSince(s.OldestCreate))
	to <- gauge(pendingDeletes, float64(s.PendingDeletes))
	to <- gauge(deletesOldest, secondsSince(s.OldestDelete))
	to <- gauge(pendingRollbacks, float64(s.PendingRollbacks))
	to <- counter(meshFailures, s.MeshFailures)
	sendCounts(to, retriesTotal, s.Retries, retryReasons)
	sendCounts(to, refusalsTotal, s.Refusals, lifecycle.RefusalReasons)
	sendCounts(to, warningsTotal, s.Warnings, translate.WarningKinds)
}

// sendCounts sends a counter for each known value of its label, and one for all others.
func sendCounts[K ~string](to chan<- prometheus.Metric, desc *prometheus.Desc, counts map[K]uint64, known []K) {
	var all, named uint64
	for _, n := range counts {
		all += n
	}
	for _, value := range known {
		if value == otherReason {
			continue
		}
		to <- counter(desc, counts[value], labelOf(string(value)))
		named += counts[value]
	}
	to <- counter(desc, all-named, otherReason)
}
