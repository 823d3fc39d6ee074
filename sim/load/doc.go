// Package load creates many pods at a plugin, polls them as InterLink's virtual
// kubelet does, deletes them, and says how fast and how well that went.
//
// It knows a plugin by its address alone, and nothing of its remote cluster.
package load
