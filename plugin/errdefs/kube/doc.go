// Package kube maps the errors of a Kubernetes client to kinds of plugin/errdefs. It
// is the only place with these rules: plugin/cluster uses it for client-go, and
// plugin/tunnel for Helm.
//
// It sends no request, and does not know which operation failed.
package kube
