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
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// EndPod makes a pod fail: its time is up at once, and an annotation says why. What
// it did stays readable, its logs included, until it is deleted. A pod that is gone
// is no error.
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
func (c *Cluster) EndPod(ctx context.Context, pod *corev1.Pod, annotation, why string) error {
	return c.patch(ctx, "end", pod, map[string]any{
		"spec":     map[string]any{"activeDeadlineSeconds": 1},
		"metadata": map[string]any{"annotations": map[string]any{annotation: why}},
	})
}

// AnnotatePod sets an annotation of a pod. A pod that is gone is no error.
func (c *Cluster) AnnotatePod(ctx context.Context, pod *corev1.Pod, name, value string) error {
	return c.patch(ctx, "annotate", pod, map[string]any{"metadata": map[string]any{"annotations": map[string]any{name: value}}})
}

// patch changes the pod of that UID, not a later one of the same name.
func (c *Cluster) patch(ctx context.Context, verb string, pod *corev1.Pod, change map[string]any) error {
	meta, ok := change["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		change["metadata"] = meta
	}
	meta["uid"] = pod.UID
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, describe(pod), err)
	}
	_, err = c.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{})
	if kube.Kind(err) == errdefs.NotFound || otherUID(err) {
		return nil
	}
	return wrap(err, verb, describe(pod))
}

// otherUID recognises that the pod of that name is another one by now.
func otherUID(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}
