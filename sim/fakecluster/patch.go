package fakecluster

import (
	"encoding/json"
	"reflect"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// patch applies a strategic merge patch or a JSON merge patch to the spec or the metadata of an object:
// https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
func (c *Cluster) patch(gvr schema.GroupVersionResource, namespace, name string, kind types.PatchType, patch []byte) (object, error) {
	// The lock covers the read and the write: a patch has no resource version, so it
	// must not fail because another update came in between.
	c.mu.Lock()
	defer c.unlock()
	old, err := c.find(gvr, namespace, name)
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(old)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	next := reflect.New(reflect.TypeOf(old).Elem()).Interface().(object)
	var after []byte
	if kind == types.MergePatchType {
		after, err = jsonpatch.MergePatch(before, patch)
	} else {
		after, err = strategicpatch.StrategicMergePatch(before, patch, next)
	}
	if err == nil {
		err = json.Unmarshal(after, next)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest("invalid JSON patch")
	}
	// An update with another UID is a conflict; a patch with another UID is invalid.
	if next.GetUID() != old.GetUID() {
		kind := schema.GroupKind{Kind: reflect.TypeOf(old).Elem().Name()}
		return nil, apierrors.NewInvalid(kind, name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "uid"), string(next.GetUID()), "field is immutable"),
		})
	}
	return c.replace(gvr, namespace, "", old, next)
}
