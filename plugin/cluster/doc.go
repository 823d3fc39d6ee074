// Package cluster is the remote Kubernetes cluster as the plugin sees it: a
// client with the configured credentials, a watched cache of the offloaded
// pods, and the rights that both need.
//
// Every error that leaves it has a kind of plugin/errdefs; how the remote API
// server's answers map to kinds is said in one table (errors.go). It must not
// know why an object is created or deleted: order, retries and undoing are
// plugin/lifecycle's.
package cluster
