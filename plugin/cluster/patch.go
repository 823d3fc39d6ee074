package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// FailPod lets a pod fail at once: it sets the pod's active deadline to one second
// and writes the reason into an annotation. The pod and its logs can still be read
// until the pod is deleted. The error is of kind NotFound if the pod does not exist any
// more.
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
func (c *Cluster) FailPod(ctx context.Context, pod *corev1.Pod, annotation, reason string) error {
	return c.patch(ctx, "fail", pod, map[string]any{
		"spec":     map[string]any{"activeDeadlineSeconds": 1},
		"metadata": map[string]any{"annotations": map[string]any{annotation: reason}},
	})
}

// AnnotatePod sets an annotation of a pod. The error is of kind NotFound if the pod does
// not exist any more.
func (c *Cluster) AnnotatePod(ctx context.Context, pod *corev1.Pod, name, value string) error {
	return c.patch(ctx, "annotate", pod, map[string]any{"metadata": map[string]any{"annotations": map[string]any{name: value}}})
}

// RemoveGate removes a scheduling gate from the pod, and leaves the gates of others. The
// error is of kind NotFound if the pod does not exist any more.
func (c *Cluster) RemoveGate(ctx context.Context, pod *corev1.Pod, gate string) error {
	return c.patch(ctx, "ungate", pod, map[string]any{
		"spec": map[string]any{"schedulingGates": []any{map[string]any{"name": gate, "$patch": "delete"}}},
	})
}

// AnnotateClaim sets an annotation of the claim with this UID, and returns the claim. The
// error is of kind NotFound if the claim does not exist any more.
func (c *Cluster) AnnotateClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim, name, value string) (*corev1.PersistentVolumeClaim, error) {
	body, err := patchBody(claim, map[string]any{"metadata": map[string]any{"annotations": map[string]any{name: value}}})
	if err != nil {
		return nil, fmt.Errorf("annotate %s: %w", describe(claim), err)
	}
	patched, err := c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Patch(ctx, claim.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{})
	if err != nil {
		return nil, wrapPatch(err, "annotate", claim)
	}
	return patched, nil
}

// AddOwner adds an owner to those of the Service with this UID. The error is of kind NotFound if
// the Service does not exist any more.
func (c *Cluster) AddOwner(ctx context.Context, service *corev1.Service, owner metav1.OwnerReference) error {
	body, err := patchBody(service, map[string]any{"metadata": map[string]any{"ownerReferences": []metav1.OwnerReference{owner}}})
	if err != nil {
		return fmt.Errorf("add an owner to %s: %w", describe(service), err)
	}
	// The patch adds to the list: its items are found by their UID.
	_, err = c.client.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{})
	return wrapPatch(err, "add an owner to", service)
}

// patch changes the pod with this UID, and never a later pod with the same name.
func (c *Cluster) patch(ctx context.Context, verb string, pod *corev1.Pod, change map[string]any) error {
	body, err := patchBody(pod, change)
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, describe(pod), err)
	}
	_, err = c.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{})
	return wrapPatch(err, verb, pod)
}

// patchBody returns a patch that changes only the object with the UID of object.
func patchBody(object metav1.Object, change map[string]any) ([]byte, error) {
	meta, ok := change["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		change["metadata"] = meta
	}
	meta["uid"] = object.GetUID()
	return json.Marshal(change)
}

// wrapPatch is [wrap] for the error of a patch with the UID of object.
func wrapPatch(err error, verb string, object metav1.Object) error {
	if hasOtherUID(err) {
		return errdefs.New(errdefs.NotFound, "%s %s: another object has its name now", verb, describe(object))
	}
	return wrap(err, verb, describe(object))
}

// hasOtherUID reports whether a patch failed because the object with this name has
// another UID. The API server then says that metadata.uid cannot be changed.
func hasOtherUID(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}
