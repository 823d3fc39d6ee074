package fakecluster

import (
	"fmt"
	"maps"
	"math"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// update replaces everything except the status of an object; with the subresource
// "status" it replaces the status only.
func (c *Cluster) update(gvr schema.GroupVersionResource, namespace, subresource string, o object) (object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, err := c.find(gvr, namespace, o.GetName())
	if err != nil {
		return nil, err
	}
	return c.replace(gvr, namespace, subresource, old, o)
}

// replace updates the stored object old. The caller holds mu.
func (c *Cluster) replace(gvr schema.GroupVersionResource, namespace, subresource string, old, o object) (object, error) {
	if uid := o.GetUID(); uid != "" && uid != old.GetUID() {
		return nil, apierrors.NewConflict(gvr.GroupResource(), o.GetName(),
			fmt.Errorf("Precondition failed: UID in precondition: %s, UID in object meta: %s", uid, old.GetUID())) //nolint:staticcheck // the text of the API server
	}
	if version := o.GetResourceVersion(); version != "" && version != old.GetResourceVersion() {
		return nil, apierrors.NewConflict(gvr.GroupResource(), o.GetName(),
			fmt.Errorf("the object has been modified; please apply your changes to the latest version and try again"))
	}
	var next object
	if subresource == "status" {
		next = clone(old)
		copyStatus(next, clone(o))
		// A real API server replaces the labels and annotations in a status update too;
		// the parity test shows it.
		next.SetLabels(maps.Clone(o.GetLabels()))
		next.SetAnnotations(maps.Clone(o.GetAnnotations()))
	} else {
		if err := validateDeadlineUpdate(old, o); err != nil {
			return nil, err
		}
		next = clone(o)
		copyStatus(next, clone(old))
		next.SetNamespace(namespace)
		next.SetUID(old.GetUID())
		next.SetCreationTimestamp(old.GetCreationTimestamp())
		next.SetDeletionTimestamp(old.GetDeletionTimestamp())
		next.SetDeletionGracePeriodSeconds(old.GetDeletionGracePeriodSeconds())
		next.SetResourceVersion(old.GetResourceVersion())
	}
	// An update without a change causes no watch event and no new version.
	if equality.Semantic.DeepEqual(old, next) {
		return old, nil
	}
	// The update that removes the last finalizer of a deleted object completes the deletion.
	grace := next.GetDeletionGracePeriodSeconds()
	if next.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) == 0 && (grace == nil || *grace == 0) {
		c.commit(gvr, old, nil)
		return next, nil
	}
	c.commit(gvr, old, next)
	return next, nil
}

// copyStatus replaces the status of an object, if its kind has one.
func copyStatus(to, from object) {
	if status := reflect.ValueOf(to).Elem().FieldByName("Status"); status.IsValid() {
		status.Set(reflect.ValueOf(from).Elem().FieldByName("Status"))
	}
}

// validateDeadlineUpdate rejects an activeDeadlineSeconds that is out of range,
// removed, or longer than before.
func validateDeadlineUpdate(old, next object) error {
	oldPod, ok := old.(*corev1.Pod)
	newPod, both := next.(*corev1.Pod)
	if !ok || !both || ptr.Equal(oldPod.Spec.ActiveDeadlineSeconds, newPod.Spec.ActiveDeadlineSeconds) {
		return nil
	}
	before, after := oldPod.Spec.ActiveDeadlineSeconds, newPod.Spec.ActiveDeadlineSeconds
	var invalid *field.Error
	path := field.NewPath("spec", "activeDeadlineSeconds")
	switch {
	case after == nil:
		invalid = field.Invalid(path, after, "must not update from a positive integer to nil value")
	case *after < 1 || *after > math.MaxInt32:
		invalid = field.Invalid(path, *after, "must be between 1 and 2147483647, inclusive")
	case before != nil && *after > *before:
		invalid = field.Invalid(path, *after, "must be less than or equal to previous value")
	default:
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, oldPod.Name, field.ErrorList{invalid})
}
