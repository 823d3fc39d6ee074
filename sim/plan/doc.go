// Package plan shows what the plugin would make of a request, without a cluster:
// the remote objects as a manifest, and every warning.
//
// It asks sim/virtualkubelet what InterLink would send, and plugin/translate what
// would come of it; nothing is contacted.
package plan
