// Package errdefs names the few kinds of error that the plugin tells apart.
//
// A room that finds a failure says its kind with [New] or [Wrap]; a room that
// passes it on wraps it with %w; whoever must act on it asks [KindOf]. The
// package knows nothing of Kubernetes and nothing of HTTP: plugin/errdefs/kube
// maps the remote API server's answers to kinds, plugin/server maps kinds to HTTP
// status codes.
package errdefs
