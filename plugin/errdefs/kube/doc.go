// Package kube says of what kind a failure of the remote API server is, for
// all rooms that call it: plugin/cluster by client-go, plugin/tunnel by Helm.
//
// It calls nobody, and does not know what was being done; its caller says that.
package kube
