// Package virtualkubelet plays the local side of InterLink, as a plugin sees it:
// the local API server, the virtual kubelet and the InterLink API server.
//
// A Kubelet keeps local pods, sends the requests of sim/interlink to a plugin over
// HTTP, and shows what the local cluster would display after each answer
// (docs/contract.md, STATUS-10 to STATUS-29).
//
// It must not know the remote cluster, nor more of the plugin than plugin/wire.
package virtualkubelet
