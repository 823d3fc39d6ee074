// Package virtualkubelet plays the local side of InterLink: the local API
// server, the virtual kubelet and the InterLink API server, as a plugin sees
// them, with their oddities.
//
// Requests are pure: Admit makes of a manifest what the local API server stores,
// and CreateRequest, StatusRequest, DeleteRequest and LogRequest are the bodies
// that InterLink sends about it, proved against recordings of the real ones.
// Kubelet keeps local pods, sends those bodies to a plugin over HTTP, and shows
// what becomes of the pods: its report is the table of the contract's section 2.
//
// It must know nothing of the remote cluster, nor of the plugin but its wire.
package virtualkubelet
