// Package load creates many pods at a plugin, polls their status as InterLink's
// virtual kubelet does, deletes them, and reports throughput, latencies and errors.
//
// It knows a plugin only by its address. It must not know the plugin's remote cluster.
package load
