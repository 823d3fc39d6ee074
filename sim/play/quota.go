package play

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// quotaName is the name of the quota.
const quotaName = "quota"

// setUpQuota creates the quota of the scenario in the remote namespaces of its pods.
func (e *environment) setUpQuota(ctx context.Context) error {
	setup, core := e.file.RemoteSetup, e.remote.CoreV1()
	if len(setup.Quota) == 0 {
		return nil
	}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: quotaName}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{}}}
	quota.Spec.Hard[corev1.ResourceServices] = resource.Quantity{} // it is refused once the quota is in effect
	for name, value := range setup.Quota {
		quota.Spec.Hard[corev1.ResourceName(name)] = resource.MustParse(value) // the reader of the scenario has checked it
	}
	for _, namespace := range e.remoteNamespaces() {
		if err := e.ensureNamespace(ctx, namespace); err != nil {
			return err
		}
		if _, err := core.ResourceQuotas(namespace).Create(ctx, quota, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create the quota of remote namespace %s for the scenario: %w", namespace, err)
		}
		if err := eventually(ctx, func(ctx context.Context) error { return e.checkQuota(ctx, namespace) }); err != nil {
			return fmt.Errorf("set up the quota of remote namespace %s for the scenario: %w", namespace, err)
		}
	}
	return nil
}

// checkQuota returns an error while the quota of a namespace has no effect: a real API server
// learns of it a moment later.
func (e *environment) checkQuota(ctx context.Context, namespace string) error {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "quota"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	_, err := e.remote.CoreV1().Services(namespace).Create(ctx, service, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil || !strings.Contains(err.Error(), "exceeded quota") {
		return fmt.Errorf("the quota has no effect yet: %w", err)
	}
	return nil
}

// setUpTimeout limits how long the remote cluster may take for a quota, in real time.
const setUpTimeout = time.Minute

// eventually repeats a call until it succeeds.
func eventually(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	for {
		err := call(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// cleanUpQuota deletes what setUpQuota has created.
func (e *environment) cleanUpQuota(ctx context.Context) error {
	if len(e.file.RemoteSetup.Quota) == 0 {
		return nil
	}
	var failures []error
	for _, namespace := range e.remoteNamespaces() {
		if err := e.remote.CoreV1().ResourceQuotas(namespace).Delete(ctx, quotaName, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			failures = append(failures, fmt.Errorf("clean up the quota of namespace %s: %w", namespace, err))
		}
	}
	return errors.Join(failures...)
}
