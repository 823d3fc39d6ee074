// Package plan tells what becomes of local pods before they are created: whether the virtual
// kubelet sends each one, which remote objects the plugin creates, what becomes of its
// volumes, variables, names and placement, what is refused or lost, and what cannot work at
// all. It contacts nothing. Of an object that the remote pod owns, the annotation
// interlink.io/owned of the pod names it, since the UID of an owner reference is not known
// before.
//
// sim/workloads makes the pods of a controller's manifest, sim/interlink the request that
// InterLink would send, and plugin/translate and plugin/policy decide what it becomes.
package plan
