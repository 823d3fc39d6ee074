package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Reasons that the plugin itself gives.
const (
	// ReasonNotFound ends the containers of a pod that the remote cluster lost.
	ReasonNotFound = "RemotePodNotFound"
	reasonStarting = "PodStarting"
	reasonEnding   = "PodEnding"
	// reasonMesh ends the containers of a pod whose mesh network did not come up.
	reasonMesh = "MeshFailed"
)

// killed is the exit code of a container that did not say one itself: that of a
// process ended by SIGKILL, as the kubelet reports it for containers it lost.
const killed = 137

// Of says how a local pod fares, given the remote one, which may be trimmed to
// what the pod cache keeps; nil means that the remote cluster has none (section
// 2, rule 5). Neither pod is modified.
func Of(requested, remote *corev1.Pod) wire.PodStatus {
	if remote == nil {
		return absent(requested)
	}
	r := newReport(requested, remote)
	if r.ended() {
		r.reportTerminated()
	} else {
		r.reportActive()
	}
	return r.answer(string(remote.UID))
}

// absent reports a pod that the remote cluster does not have. With a job ID it
// had it once; without, its create is in flight or never came.
func absent(requested *corev1.Pod) wire.PodStatus {
	r := newReport(requested, nil)
	jid := requested.Annotations[wire.AnnotationJobID]
	for _, list := range r.lists() {
		for i := range list {
			if jid == "" {
				list[i].State = waiting(podstate.ReasonCreating, "the remote pod is being created")
			} else {
				list[i].State = terminated(killed, ReasonNotFound, ReasonNotFound+": the remote cluster has no such pod any more", metav1.Time{})
			}
		}
	}
	if jid != "" {
		r.terminateLocalContainers()
	}
	return r.answer(jid)
}
