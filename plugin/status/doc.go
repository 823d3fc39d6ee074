// Package status decides how the local cluster shows a remote pod: it turns the local
// pod of a status request and the remote pod into InterLink's answer.
//
// It is pure: it has no client, no clock and no I/O. It must not know where the remote
// pod comes from (plugin/cluster), nor why a mesh fails (plugin/mesh). Its rules are
// docs/contract.md, STATUS-30 to STATUS-44; they follow from how the virtual kubelet
// handles answers.
//
// The local phase must become that of the remote pod. Where the phase and the state of
// a container contradict each other, the phase wins, and the message of the container
// says its real state. Two limits cannot be avoided (docs/contract.md, after
// STATUS-29): a pod that crashes before the virtual kubelet has seen it running stays
// Pending locally, and a Running pod does not become Pending again unless its init
// containers run again.
//
// report.go lists the containers to report, active.go reports a pod that still runs,
// terminated.go one that has ended, and absent.go one that the remote cluster does not
// have. disruption.go finds out whether the remote cluster has ended a pod,
// other_containers.go what containers that the local pod does not show have to do with its
// state, and events.go what an event has. restart.go hides restarts, init_order.go orders init containers, and
// requested_fields.go and cached_fields.go list the fields of a local and of a remote pod
// that the package reads.
package status
