// Package capacity computes what the remote cluster offers to this installation, for the ping
// (docs/contract.md, PING-10 to PING-13): from nodes and pods, or from resource quotas and pods.
//
// It is pure: [NewNode], [NewPod] and [NewQuota] reduce objects to what is summed, and [OfNodes] and
// [OfQuotas] sum. It must not know where the objects come from, nor what the answer to a ping looks like.
package capacity
