// Package orphans finds what no request will ever delete, and deletes it: remote pods
// whose local pods do not exist any more, and objects that outlived their pods.
//
// InterLink sends a delete once, and sends none for a pod that is force-deleted while
// the virtual kubelet is down (docs/contract.md, DELETE-1 and DELETE-7). The evidence is
// in the status requests: a virtual node asks about each of its pods that has not ended
// (STATUS-1). A pod about which its node does not ask, while it asks about others, is
// marked with an annotation (pods.go); the mark is removed as soon as any replica is
// asked about the pod (unmark.go); a pod that stays marked is deleted. Time counts only
// while the node asks (evidence.go), so that a virtual kubelet that is down, a process
// that does not run and a clock that jumps orphan nothing.
//
// Objects without a pod are found by lists of metadata (look.go), and deleted if they are
// found again and again (sweep.go).
//
// Every replica collects evidence and removes marks; only the one that holds a Lease
// marks and deletes (leader.go). It must not know how a request is handled, and it never
// touches an object of another instance.
package orphans
