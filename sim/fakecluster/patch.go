package fakecluster

import (
	"encoding/json"
	"math"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// patch merges a strategic patch into an object, as who patches the specification
// or the metadata means it: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
func (c *Cluster) patch(gvr schema.GroupVersionResource, namespace, name string, patch []byte) (object, error) {
	c.mu.Lock() // to the end: who patches says no version, and so is never overtaken
	defer c.mu.Unlock()
	old, err := c.find(gvr, namespace, name)
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(old)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	next := reflect.New(reflect.TypeOf(old).Elem()).Interface().(object)
	after, err := strategicpatch.StrategicMergePatch(before, patch, next)
	if err == nil {
		err = json.Unmarshal(after, next)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest("invalid JSON patch")
	}
	if next.GetUID() != old.GetUID() { // of an update it is a conflict
		kind := schema.GroupKind{Kind: reflect.TypeOf(old).Elem().Name()}
		return nil, apierrors.NewInvalid(kind, name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "uid"), string(next.GetUID()), "field is immutable"),
		})
	}
	return c.replace(gvr, namespace, "", old, next)
}

// permitted refuses a deadline of a pod that is none, or later than the one that it
// has.
func permitted(old, next object) error {
	before, ok := old.(*corev1.Pod)
	after, both := next.(*corev1.Pod)
	if !ok || !both || ptr.Equal(before.Spec.ActiveDeadlineSeconds, after.Spec.ActiveDeadlineSeconds) {
		return nil
	}
	had, wants := before.Spec.ActiveDeadlineSeconds, after.Spec.ActiveDeadlineSeconds
	var wrong *field.Error
	path := field.NewPath("spec", "activeDeadlineSeconds")
	switch {
	case wants == nil:
		wrong = field.Invalid(path, wants, "must not update from a positive integer to nil value")
	case *wants < 1 || *wants > math.MaxInt32:
		wrong = field.Invalid(path, *wants, "must be between 1 and 2147483647, inclusive")
	case had != nil && *wants > *had:
		wrong = field.Invalid(path, *wants, "must be less than or equal to previous value")
	default:
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, before.Name, field.ErrorList{wrong})
}
