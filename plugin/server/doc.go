// Package server is the HTTP server of the plugin. It listens, decodes what
// InterLink sends, calls a [Lifecycle], and encodes the response or the error. It
// also serves the documentation, health, readiness and metrics.
//
// A request takes this path: serveHTTP finds the route; the route's handler decodes
// and validates the body, and calls the Lifecycle; serveHTTP writes and logs any
// error that the handler returns. A panic in a handler ends that request only.
//
// The package must not know Kubernetes clients, nor how a Lifecycle works. Errors
// reach it with a kind of package errdefs, and one table (see httpStatuses) maps
// each kind to an HTTP status.
package server
