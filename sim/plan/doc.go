// Package plan shows what the plugin would make of a request, without a cluster:
// the remote objects as a manifest, and every warning.
//
// It asks plugin/translate and nobody else; nothing is contacted.
package plan
