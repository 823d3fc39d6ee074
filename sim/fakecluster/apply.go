package fakecluster

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// apply is server-side apply with force: it creates an object, or sets the fields of the
// manifest. This cluster does not record who manages a field: one that an earlier apply has
// set, and this one does not have, stays.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/
func (c *Cluster) apply(gvr schema.GroupVersionResource, namespace, name string, manifest []byte) (object, error) {
	applied, err := c.patch(gvr, namespace, name, types.StrategicMergePatchType, manifest)
	if !apierrors.IsNotFound(err) {
		return applied, err
	}
	decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(manifest, nil, nil)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	o, ok := decoded.(object)
	if !ok || o.GetName() != name {
		return nil, apierrors.NewBadRequest("the name of the object in the manifest is not the name in the URL")
	}
	return c.create(gvr, namespace, o)
}
