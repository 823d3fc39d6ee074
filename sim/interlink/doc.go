// Package interlink computes the requests that InterLink sends to a plugin. It is
// pure: nothing is sent, and no state is kept.
//
// Admit returns what the local API server stores for a manifest; CreateRequest,
// StatusRequest, DeleteRequest and LogRequest return the bodies that InterLink
// sends for such a pod, with InterLink's peculiarities (docs/contract.md). Tests
// compare them with recordings of the real InterLink. CreateForInterLink returns what the
// virtual kubelet sends to the InterLink API server instead; the other bodies are the same
// there.
//
// It must not know the remote cluster, nor more of the plugin than plugin/wire.
package interlink
