// Package accounting counts what the containers of remote pods use: the resources that they request,
// for the time that they really run, for each local namespace.
//
// The times are those of the pods' own status (instances.go), so that it does not matter when the
// plugin looks, or whether it runs. A pod that is gone tells nothing any more; so what is known about
// each container is collected from the watch (known.go).
//
// The totals are a ledger (ledger.go): it has counted all time until one moment, and knows what has
// ended after it. It is stored in the remote cluster (stored.go says how), is updated by every replica
// (accounting.go), and is shown only as it is stored. So the totals never become less with a restart, a
// crash or another replica: docs/accounting.md and decision 0015.
//
// The package must not know a Kubernetes client or Prometheus.
package accounting
