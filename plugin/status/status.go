package status

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Reasons that the plugin itself gives for the state of a container.
const (
	// ReasonNotFound is the reason of the containers of a pod that the remote cluster
	// no longer has.
	ReasonNotFound = "RemotePodNotFound"

	reasonStarting     = "PodStarting"  // runs, while another container has not started
	reasonEnding       = "PodEnding"    // terminated, while the pod has not
	reasonMesh         = "MeshFailed"   // the pod's mesh failed to start
	reasonNotOffloaded = "NotOffloaded" // stays in the local cluster
)

// exitCodeKilled is the exit code of a container that has not reported one: that of a
// process killed by SIGKILL, which the kubelet also uses for containers that it lost.
const exitCodeKilled = 137

// Of returns the status to report for a local pod, which may hold only the
// [RequestedFields]. remote is nil if the remote cluster has no such pod; it may hold
// only the fields that [CachedFields] keeps. Of modifies
// neither pod.
func Of(requested, remote *corev1.Pod) wire.PodStatus {
	if remote == nil {
		return absent(requested)
	}
	r := newReport(requested, remote)
	if r.hasTerminated() {
		r.reportTerminated()
	} else {
		r.reportActive()
	}
	r.addWarnings()
	return r.answer(cmp.Or(requested.Annotations[wire.AnnotationJobID], remote.Name))
}
