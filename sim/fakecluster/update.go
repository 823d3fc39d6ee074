package fakecluster

import (
	"fmt"
	"maps"
	"reflect"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// update replaces everything except the status of an object; with the subresource
// "status" it replaces the status only.
func (c *Cluster) update(gvr schema.GroupVersionResource, namespace, subresource string, o object) (object, error) {
	c.mu.Lock()
	defer c.unlock()
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
		if err := validateUpdate(old, o); err != nil {
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
	if isDeleted(next) {
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
