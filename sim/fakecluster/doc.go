// Package fakecluster is a remote cluster in memory: client-go's fake clientset on
// top of a store that behaves like a real API server where the plugin depends on it
// (identity, conflicts, graceful deletion, filtered lists and watches, logs). The
// parity test runs the same steps on this package and on a real API server.
//
// No object changes without a request: sim/node plays the scheduler and the kubelets.
// The cluster has no quotas, no admission and no garbage collection. Strategic merge
// is the only kind of patch that it knows, and a list ignores the limit and returns
// all items.
//
// It must not know the plugin, scenarios, or what its objects are for.
package fakecluster
