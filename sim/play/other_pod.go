package play

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// otherPod is the name of a pod that uses the quota or the node of the scenario, and is not the plugin's.
const otherPod = "other-pod"

// setUpOtherPod creates the other pod in the remote namespaces of the scenario's pods.
func (e *environment) setUpOtherPod(ctx context.Context) error {
	setup := e.file.RemoteSetup
	if setup.OtherPodUntil.Duration == 0 {
		return nil
	}
	requests := corev1.ResourceList{}
	for name, value := range setup.OtherPodRequests {
		requests[corev1.ResourceName(name)] = resource.MustParse(value) // the reader of the scenario has checked it
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: otherPod},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: "busybox:1.37", Resources: corev1.ResourceRequirements{Requests: requests, Limits: requests},
		}}},
	}
	if e.remoteNode != nil {
		pod.Spec.NodeName = e.remoteNode.Name
	}
	for _, namespace := range e.remoteNamespaces() {
		if err := e.ensureNamespace(ctx, namespace); err != nil {
			return err
		}
		err := eventually(ctx, func(ctx context.Context) error { // its service account is created a moment later
			_, err := e.remote.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
			return err
		})
		if err != nil {
			return fmt.Errorf("create the other pod in remote namespace %s for the scenario: %w", namespace, err)
		}
	}
	return nil
}

// endOtherPod deletes the other pod. No kubelet ends it: a pod with a node would stay.
func (e *environment) endOtherPod(ctx context.Context) error {
	none := int64(0)
	var failures []error
	for _, namespace := range e.remoteNamespaces() {
		err := e.remote.CoreV1().Pods(namespace).Delete(ctx, otherPod, metav1.DeleteOptions{GracePeriodSeconds: &none})
		if err != nil && !apierrors.IsNotFound(err) {
			failures = append(failures, fmt.Errorf("delete the other pod in remote namespace %s: %w", namespace, err))
		}
	}
	return errors.Join(failures...)
}

// cleanUpOtherPod deletes the other pod of a scenario that has one.
func (e *environment) cleanUpOtherPod(ctx context.Context) error {
	if e.file.RemoteSetup.OtherPodUntil.Duration == 0 {
		return nil
	}
	return e.endOtherPod(ctx)
}

// mustTryAgain reports whether the plugin has to create a pod that waits for a quota: the other
// pod is gone, and made room.
func (e *environment) mustTryAgain(ctx context.Context) (bool, error) {
	if e.file.RemoteSetup.OtherPodUntil.Duration == 0 {
		return false, nil
	}
	for _, namespace := range e.remoteNamespaces() {
		_, err := e.remote.CoreV1().Pods(namespace).Get(ctx, otherPod, metav1.GetOptions{})
		if err == nil {
			continue
		}
		if !apierrors.IsNotFound(err) {
			return false, fmt.Errorf("find the other pod: %w", err)
		}
		list, err := e.remote.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{LabelSelector: wire.LabelStoredRequest})
		if err != nil {
			return false, fmt.Errorf("list the pods that wait for a quota: %w", err)
		}
		if len(list.Items) > 0 {
			return true, nil
		}
	}
	return false, nil
}
