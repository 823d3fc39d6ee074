// Package server is the HTTP side of the plugin: it listens, decodes what
// InterLink sends, asks a [Lifecycle] to do it, and encodes the answer or the
// error. Docs, health and metrics are served here too.
//
// It must know nothing of Kubernetes clients, and nothing of how a Lifecycle
// does its work: errors reach it as kinds of package errdefs, and one table
// (see statuses) says which HTTP status each kind is.
//
// The way of a request: serveHTTP finds the route and guards it against panics,
// the route's function decodes, checks, and calls the Lifecycle; whatever error
// comes back is answered and logged by serveHTTP, in one place.
package server
