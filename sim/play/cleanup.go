package play

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// cleanUp deletes what the scenario has left, on purpose or not, in a cluster that
// does not belong to the simulator.
func (e *environment) cleanUp(ctx context.Context) error {
	if e.options.Client == nil {
		return nil
	}
	// A scenario that timed out is cleaned up too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	left, err := e.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	core, errs := e.remote.CoreV1(), []error(nil)
	remove := func(object metav1.Object, deleteByName func(context.Context, string, metav1.DeleteOptions) error) {
		uid := object.GetUID()
		err := deleteByName(ctx, object.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("clean up %s/%s: %w", object.GetNamespace(), object.GetName(), err))
		}
	}
	for i := range left.Pods {
		remove(&left.Pods[i], core.Pods(left.Pods[i].Namespace).Delete)
	}
	for i := range left.ConfigMaps {
		remove(&left.ConfigMaps[i], core.ConfigMaps(left.ConfigMaps[i].Namespace).Delete)
	}
	for i := range left.Secrets {
		remove(&left.Secrets[i], core.Secrets(left.Secrets[i].Namespace).Delete)
	}
	for i := range left.Services {
		remove(&left.Services[i], core.Services(left.Services[i].Namespace).Delete)
	}
	if e.plugin != nil { // a real Helm needs its records to delete the other objects of a release
		for i := range left.Releases {
			remove(&left.Releases[i], core.Secrets(left.Releases[i].Namespace).Delete)
		}
	}
	for _, claim := range e.foreignClaims.without(left.Claims) {
		remove(&claim, core.PersistentVolumeClaims(claim.Namespace).Delete)
	}
	return errors.Join(append(errs, e.finalizeClaims(ctx), e.cleanUpOtherPod(ctx), e.cleanUpQuota(ctx), e.cleanUpRuntimeClasses(ctx), e.cleanUpNode(ctx))...)
}

// finalizeClaims lets deleted claims disappear in a cluster without controllers,
// where only the simulator can remove their finalizers.
func (e *environment) finalizeClaims(ctx context.Context) error {
	if !e.options.PlayNodes {
		return nil
	}
	var errs []error
	for _, namespace := range e.claimNamespaces() {
		errs = append(errs, node.FinalizeUnusedClaims(ctx, e.remote, namespace))
	}
	return errors.Join(errs...)
}
