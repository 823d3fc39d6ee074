// Package cluster is the plugin's client of the remote Kubernetes cluster: it
// connects with the configured credentials, keeps a watched cache of the offloaded
// pods, and lists the permissions (RBAC) that the plugin needs.
//
// Every error that it returns has a kind of plugin/errdefs. The package must not
// know why an object is created or deleted: order, retries and rollbacks are
// decided by plugin/lifecycle.
package cluster
