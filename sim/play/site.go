package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// claims are persistent volume claims by UID: those that are none of the
// scenario's.
type claims map[types.UID]bool

func (c claims) without(all []corev1.PersistentVolumeClaim) []corev1.PersistentVolumeClaim {
	return slices.DeleteFunc(all, func(claim corev1.PersistentVolumeClaim) bool { return c[claim.UID] })
}

func (s *stage) uids() []types.UID {
	uids := make([]types.UID, len(s.pods))
	for i, pod := range s.pods {
		uids[i] = pod.UID
	}
	return uids
}

// namespaces are the remote ones of the scenario's pods, if claims there are its
// affair.
func (s *stage) namespaces() []string {
	var namespaces []string
	if !countsClaims(s.file) {
		return nil
	}
	for _, pod := range s.pods {
		namespaces = append(namespaces, s.scope.RemoteNamespace(pod.Namespace))
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces)
}

// prepare notes which claims are there, and makes those of the site.
func (s *stage) prepare(ctx context.Context) (claims, error) {
	before := claims{}
	if s.remote == nil {
		return before, nil
	}
	taken, err := inspect.TakeSnapshot(ctx, s.remote, s.uids(), s.namespaces())
	if err != nil {
		return nil, fmt.Errorf("look at the remote cluster: %w", err)
	}
	for i := range taken.Claims {
		before[taken.Claims[i].UID] = true
	}
	for _, name := range s.file.Site.Claims {
		for _, namespace := range s.namespaces() {
			if err := s.makeClaim(ctx, namespace, name); err != nil {
				return nil, err
			}
		}
	}
	return before, nil
}

func (s *stage) makeClaim(ctx context.Context, namespace, name string) error {
	core := s.remote.CoreV1()
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := core.Namespaces().Create(ctx, made, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make the site's namespace %s: %w", namespace, err)
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}
	if _, err := core.PersistentVolumeClaims(namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("make the site's claim %s/%s: %w", namespace, name, err)
	}
	return nil
}

// tidy takes away from a cluster that is not the simulator's what the scenario
// has left there, by intention or not.
func (s *stage) tidy(ctx context.Context, before claims) error {
	if s.options.Client == nil {
		return nil
	}
	// Also for a scenario that ran out of time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	left, err := inspect.TakeSnapshot(ctx, s.remote, s.uids(), s.namespaces())
	if err != nil {
		return fmt.Errorf("tidy up: %w", err)
	}
	core, errs := s.remote.CoreV1(), []error(nil)
	remove := func(object metav1.Object, delete func(context.Context, string, metav1.DeleteOptions) error) {
		uid := object.GetUID()
		err := delete(ctx, object.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("tidy up %s/%s: %w", object.GetNamespace(), object.GetName(), err))
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
	if s.plugin != nil { // a real Helm's records are all that says what else is to go
		for i := range left.Releases {
			remove(&left.Releases[i], core.Secrets(left.Releases[i].Namespace).Delete)
		}
	}
	for _, claim := range before.without(left.Claims) {
		remove(&claim, core.PersistentVolumeClaims(claim.Namespace).Delete)
	}
	return errors.Join(append(errs, s.release(ctx))...)
}

// release lets claims go where no controller does.
func (s *stage) release(ctx context.Context) error {
	if !s.options.PlayNodes {
		return nil
	}
	var errs []error
	for _, namespace := range s.namespaces() {
		errs = append(errs, node.FinalizeUnusedClaims(ctx, s.remote, namespace))
	}
	return errors.Join(errs...)
}
