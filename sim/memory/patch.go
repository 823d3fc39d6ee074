package memory

import (
	"encoding/json"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// patch merges a strategic patch into an object, as who patches the specification
// or the metadata means it: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
func (c *Cluster) patch(gvr schema.GroupVersionResource, namespace, name string, patch []byte) (object, error) {
	c.mu.Lock()
	old, err := c.find(gvr, namespace, name)
	if err != nil {
		c.mu.Unlock()
		return nil, err
	}
	before, err := json.Marshal(old)
	c.mu.Unlock()
	next := reflect.New(reflect.TypeOf(old).Elem()).Interface().(object)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	after, err := strategicpatch.StrategicMergePatch(before, patch, next)
	if err == nil {
		err = json.Unmarshal(after, next)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest("invalid JSON patch")
	}
	if next.GetUID() != old.GetUID() {
		return nil, apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "uid"), string(next.GetUID()), "field is immutable"),
		})
	}
	if err := permitted(old, next); err != nil {
		return nil, err
	}
	return c.update(gvr, namespace, "", next)
}

// permitted refuses a deadline of a pod that is later than the one that it has.
func permitted(old, next object) error {
	before, ok := old.(*corev1.Pod)
	after, both := next.(*corev1.Pod)
	if !ok || !both || before.Spec.ActiveDeadlineSeconds == nil {
		return nil
	}
	had, wants := *before.Spec.ActiveDeadlineSeconds, after.Spec.ActiveDeadlineSeconds
	path := field.NewPath("spec", "activeDeadlineSeconds")
	switch {
	case wants == nil:
		return apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, before.Name, field.ErrorList{field.Invalid(path, wants, "must not update from a positive integer to nil value")})
	case *wants > had:
		return apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, before.Name, field.ErrorList{field.Invalid(path, *wants, "must be less than or equal to previous value")})
	}
	return nil
}
