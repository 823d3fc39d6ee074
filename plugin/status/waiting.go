package status

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// ReasonQuota is the reason of the containers of a pod that waits until a ResourceQuota
	// of the remote cluster permits it.
	ReasonQuota = "QuotaExceeded"

	reasonNeverCreated = "CreateFailed" // the pod was accepted, and cannot be created any more
)

// Waiting is the state of a local pod that was accepted, and whose remote pod does not
// exist yet.
type Waiting struct {
	JobID string // the name of the remote pod that will be
	// Message says why the remote pod does not exist. If Failed is true, it will never exist.
	Message string
	Failed  bool
}

// OfWaiting returns the status to report for a local pod that waits: see [Of].
func OfWaiting(requested *corev1.Pod, w Waiting) wire.PodStatus {
	r := newReport(requested, nil)
	for _, list := range r.lists() {
		for i := range list {
			if w.Failed {
				list[i].State = terminated(exitCodeKilled, reasonNeverCreated, reasonNeverCreated+": "+w.Message, metav1.Time{})
			} else {
				list[i].State = waiting(ReasonQuota, w.Message)
			}
		}
	}
	if w.Failed {
		r.terminateLocalContainers()
	}
	return r.answer(cmp.Or(requested.Annotations[wire.AnnotationJobID], w.JobID))
}
