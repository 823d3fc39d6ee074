// Package play plays scenarios against an InterLink plugin, and judges it.
//
// A stage is one scenario's: a virtual kubelet (sim/virtualkubelet) on the local
// side, the plugin behind its socket, and the remote cluster, in memory or real,
// with played nodes (sim/node) or its own. A pace says how time passes there:
// as fast as everybody can follow, or as on the clock. What was seen is compared
// with what the scenario expects, in words, by pure functions (judge).
//
// It must know nothing of how this plugin works: it composes one where none is
// named, and asks it only whether it has heard of the latest remote state.
package play
