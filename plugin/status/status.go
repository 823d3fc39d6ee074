package status

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Reasons that the plugin itself gives for the state of a container.
const (
	// ReasonNotFound is the reason of the containers of a pod that the remote cluster
	// no longer has, or that another client has deleted there while it ran.
	ReasonNotFound = "RemotePodNotFound"

	reasonStarting     = "PodStarting"  // runs, while another container has not started
	reasonEnding       = "PodEnding"    // terminated, while the pod has not
	reasonMesh         = "MeshFailed"   // the pod's mesh failed to start
	reasonNotOffloaded = "NotOffloaded" // stays in the local cluster
)

// exitCodeKilled is the exit code of a container that has not reported one: that of a
// process killed by SIGKILL, which the kubelet also uses for containers that it lost.
const exitCodeKilled = 137

// Options say how the status of a pod is reported.
type Options struct {
	// DisruptedExitCode is the exit code of the containers that a disruption of the remote
	// cluster has stopped; 0 means 137.
	DisruptedExitCode int32
	// Event is what [WaitEvent] returns for the events of a remote pod that waits; empty if
	// nothing is known.
	Event string
}

// Of returns the status to report for a local pod, with the default options: see
// [Options.Of].
func Of(requested, remote *corev1.Pod) wire.PodStatus { return Options{}.Of(requested, remote) }

// Of returns the status to report for a local pod, which may hold only the
// [RequestedFields]. remote is nil if the remote cluster has no such pod; it may hold
// only the fields that [CachedFields] keeps, and it may be the last state of a pod that has
// ended and is gone. Of modifies neither pod.
func (o Options) Of(requested, remote *corev1.Pod) wire.PodStatus {
	if remote == nil {
		return o.absent(requested)
	}
	r := newReport(requested, remote)
	r.options = o
	if r.hasTerminated() {
		r.reportTerminated()
		r.addEndCause()
	} else {
		r.reportActive()
		r.addWaitCause()
	}
	r.addWarnings()
	return r.answer(cmp.Or(requested.Annotations[wire.AnnotationJobID], remote.Name))
}
