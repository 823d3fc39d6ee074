// Package fakecluster is a remote cluster in memory: client-go's fake clientset on
// top of a store that behaves like a real API server where the plugin depends on it
// (identity, conflicts, graceful deletion, scheduling gates, quotas, filtered lists and
// watches, logs), with a garbage collector. The parity tests run the same steps on this package
// and on a real API server, with a real kube-controller-manager where the steps need one.
//
// Apart from what is collected, no object changes without a request: sim/node plays the
// scheduler and the kubelets. The collector has done its work when a request returns; a
// real one is later. So is what a quota says is used: a real one is also later, and knows
// scopes and more resources. The cluster has no other admission. It knows strategic merge
// and JSON merge patches, and server-side apply without the ownership of fields. A list
// ignores the limit and returns all items.
//
// It must not know the plugin, scenarios, or what its objects are for.
package fakecluster
