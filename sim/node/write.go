package node

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// write sends a pod's pending writes to the API server, in the order in which a real
// scheduler and kubelet send them: binding, status, deletion.
func (w *worker) write(ctx context.Context, pod *managedPod, status corev1.PodStatus) error {
	pods := w.nodes.options.Client.CoreV1().Pods(pod.key.Namespace)
	meta := metav1.ObjectMeta{Name: pod.key.Name, Namespace: pod.key.Namespace, UID: pod.uid}
	sameUID := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.uid}}
	if pod.pending.bind {
		target := corev1.ObjectReference{Kind: "Node", Name: w.nodes.options.Name}
		// A conflict means that the pod has a node or is being deleted: a later event of
		// the watch shows which.
		if err := pods.Bind(ctx, &corev1.Binding{ObjectMeta: meta, Target: target}, metav1.CreateOptions{}); err != nil && !apierrors.IsConflict(err) {
			return err
		}
		pod.pending.bind = false
		pod.object.Spec.NodeName = w.nodes.options.Name
	}
	if len(status.Conditions) > 0 && !equality.Semantic.DeepEqual(pod.writtenStatus, status) {
		if err := w.writeStatus(ctx, pod, status); err != nil {
			return conflictAsNotFound(err)
		}
	}
	if pod.pending.delete {
		if err := pods.Delete(ctx, pod.key.Name, sameUID); err != nil {
			return conflictAsNotFound(err)
		}
		pod.pending.delete = false
	}
	if pod.pending.forceDelete {
		sameUID.GracePeriodSeconds = ptr.To[int64](0)
		if err := pods.Delete(ctx, pod.key.Name, sameUID); err != nil {
			return conflictAsNotFound(err)
		}
		pod.pending.forceDelete = false
	}
	return nil
}

func (w *worker) writeStatus(ctx context.Context, pod *managedPod, status corev1.PodStatus) error {
	// The metadata must be complete: an API server also replaces the labels in a status
	// update.
	update := &corev1.Pod{ObjectMeta: *pod.object.ObjectMeta.DeepCopy(), Spec: pod.object.Spec, Status: status}
	update.ResourceVersion = ""
	written, err := w.nodes.options.Client.CoreV1().Pods(pod.key.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	pod.writtenStatus = status
	// The new version counts before the watch reports it: a caller of UpToDate that read
	// the pod before this write must get false.
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.versions[pod.uid]; known {
		w.versions[pod.uid] = written.ResourceVersion
	}
	return nil
}

// conflictAsNotFound turns a conflict into a NotFound error. All writes name the UID,
// so a conflict means that another pod has the name now.
func conflictAsNotFound(err error) error {
	if apierrors.IsConflict(err) {
		return apierrors.NewNotFound(corev1.Resource("pods"), err.Error())
	}
	return err
}
