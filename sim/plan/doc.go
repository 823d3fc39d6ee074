// Package plan shows which remote objects the plugin would create for a pod, with
// every warning, as a manifest. It contacts nothing.
//
// sim/interlink computes the request that InterLink would send, and plugin/translate
// the remote objects.
package plan
