// Package errdefs defines the kinds of error that the plugin distinguishes.
//
// Code that finds a failure gives it a kind with [New] or [Wrap]. Code that passes
// the error on wraps it with %w. Code that acts on the error asks for [KindOf]. The
// package knows neither Kubernetes nor HTTP: plugin/errdefs/kube maps the answers
// of an API server to kinds, and plugin/server maps kinds to HTTP status codes.
package errdefs
