// Package cluster is the plugin's client of the remote Kubernetes cluster: it
// connects with the configured credentials, keeps a watched cache of the offloaded
// pods, and lists the permissions (RBAC) that the plugin needs.
//
// [Connection] is what all clients of the remote API server share: it bounds each try, believes only
// an API server, reads the credentials again, and knows since when the API server refuses the
// plugin or does not answer.
//
// Every error that it returns has a kind of plugin/errdefs. The package must not
// know why an object is created or deleted: order, retries and rollbacks are
// decided by plugin/lifecycle.
package cluster
