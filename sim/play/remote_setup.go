package play

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// setUpRemote keeps in mind which claims the remote cluster has, and creates what the
// scenario expects to exist before its pods.
func (e *environment) setUpRemote(ctx context.Context) error {
	if e.remote == nil {
		return nil
	}
	before, err := e.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("read the remote cluster: %w", err)
	}
	e.foreignClaims = newClaimSet(before.Claims)
	if setup := e.file.RemoteSetup; len(setup.Claims) == 0 && setup.MadeBy+setup.MadeFor != "" {
		for _, namespace := range e.remoteNamespaces() {
			if err := e.ensureNamespace(ctx, namespace); err != nil {
				return err
			}
		}
	}
	for _, name := range e.file.RemoteSetup.Claims {
		for _, namespace := range e.claimNamespaces() {
			if err := e.createClaim(ctx, namespace, name); err != nil {
				return err
			}
		}
	}
	if err := e.setUpRuntimeClasses(ctx); err != nil {
		return err
	}
	if err := e.setUpNode(ctx); err != nil {
		return err
	}
	if err := e.setUpQuota(ctx); err != nil {
		return err
	}
	return e.setUpOtherPod(ctx)
}

// ensureNamespace creates a remote namespace that does not exist.
func (e *environment) ensureNamespace(ctx context.Context, name string) error {
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if len(e.file.RemoteSetup.Claims) == 0 {
		e.markAsMade(object, wire.AnnotationSourceName)
	}
	if _, err := e.remote.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create remote namespace %s for the scenario: %w", name, err)
	}
	return nil
}

// markAsMade gives an object the labels of the installation that the scenario says it was made
// by. source is the annotation with the local namespace.
func (e *environment) markAsMade(object metav1.Object, source string) {
	setup := e.file.RemoteSetup
	if setup.MadeBy+setup.MadeFor == "" {
		return
	}
	labels := map[string]string{wire.LabelOffloading: wire.Offloading}
	if setup.MadeBy != "" {
		labels[wire.LabelInstance] = setup.MadeBy
	}
	object.SetLabels(labels)
	if setup.MadeFor != "" {
		object.SetAnnotations(map[string]string{source: setup.MadeFor})
	}
}

func (e *environment) createClaim(ctx context.Context, namespace, name string) error {
	if err := e.ensureNamespace(ctx, namespace); err != nil {
		return err
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}
	e.markAsMade(claim, wire.AnnotationSourceNamespace)
	if _, err := e.remote.CoreV1().PersistentVolumeClaims(namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create remote claim %s/%s for the scenario: %w", namespace, name, err)
	}
	return nil
}
