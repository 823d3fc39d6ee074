package fakecluster

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/uuid"
)

var namespaces = corev1.SchemeGroupVersion.WithResource("namespaces")

func (c *Cluster) create(gvr schema.GroupVersionResource, namespace string, o object) (object, error) {
	o = clone(o)
	if o.GetNamespace() == "" {
		o.SetNamespace(namespace)
	}
	if o.GetName() == "" && o.GetGenerateName() != "" {
		o.SetName(o.GetGenerateName() + rand.String(5))
	}
	c.mu.Lock()
	defer c.unlock()
	switch _, err := c.find(namespaces, "", namespace); {
	case o.GetNamespace() != namespace:
		return nil, apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	case o.GetResourceVersion() != "":
		return nil, apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	case namespace != "" && err != nil:
		return nil, err
	}
	o.SetUID(uuid.NewUUID())
	o.SetCreationTimestamp(metav1.NewTime(c.options.Now()).Rfc3339Copy())
	o.SetDeletionTimestamp(nil)
	o.SetDeletionGracePeriodSeconds(nil)
	copyStatus(o, reflect.New(reflect.TypeOf(o).Elem()).Interface().(object))
	setDefaults(o)
	if err := validate(gvr, o); err != nil {
		return nil, err
	}
	if err := c.admit(gvr, o); err != nil {
		return nil, err
	}
	if _, err := c.find(gvr, namespace, o.GetName()); err == nil {
		return nil, apierrors.NewAlreadyExists(gvr.GroupResource(), o.GetName())
	}
	c.commit(gvr, nil, o)
	return o, nil
}
