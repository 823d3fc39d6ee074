package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// absent reports a pod that the remote cluster does not have (docs/contract.md,
// STATUS-34). With a job ID, the remote cluster had the pod once. Without one, its
// create is in flight or never arrived.
func (o Options) absent(requested *corev1.Pod) wire.PodStatus {
	jid := requested.Annotations[wire.AnnotationJobID]
	if jid == "" {
		return OfCreating(requested)
	}
	code := int32(exitCodeKilled)
	if requested.DeletionTimestamp.IsZero() {
		code = o.disruptedExitCode()
	}
	r := newReport(requested, nil)
	for _, list := range r.lists() {
		for i := range list {
			list[i].State = terminated(code, ReasonNotFound, ReasonNotFound+": the remote cluster no longer has this pod", metav1.Time{})
		}
	}
	r.terminateLocalContainers()
	return r.answer(jid)
}

// OfCreating returns the status to report for a local pod whose create is in flight: see
// [Of].
func OfCreating(requested *corev1.Pod) wire.PodStatus {
	return allWait(requested, podstate.ReasonCreating, "the remote pod is being created")
}

// ReasonMaintenance is the reason of a pod that waits for the end of a maintenance.
const ReasonMaintenance = "RemoteMaintenance"

// OfMaintenance returns the status to report for a local pod whose create waits for the end of a maintenance of the
// remote cluster.
func OfMaintenance(requested *corev1.Pod) wire.PodStatus {
	return allWait(requested, ReasonMaintenance, "the remote cluster is in maintenance: the pod waits for its end")
}

// allWait returns a status in which every container waits.
func allWait(requested *corev1.Pod, reason, message string) wire.PodStatus {
	r := newReport(requested, nil)
	for _, list := range r.lists() {
		for i := range list {
			list[i].State = waiting(reason, message)
		}
	}
	return r.answer(requested.Annotations[wire.AnnotationJobID])
}
