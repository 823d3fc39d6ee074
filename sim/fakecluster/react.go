package fakecluster

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
)

var namespaces = corev1.SchemeGroupVersion.WithResource("namespaces")

// react answers every call of the fake clientset but watches.
func (c *Cluster) react(action clienttesting.Action) (bool, runtime.Object, error) {
	gvr := action.GetResource()
	switch a := action.(type) {
	case clienttesting.CreateActionImpl:
		switch o := a.Object.(type) {
		case *authorizationv1.SelfSubjectAccessReview:
			o.Status.Allowed = true
			return true, o, nil
		case *corev1.Binding:
			return true, o, c.bind(gvr, o)
		case *policyv1.Eviction:
			return true, o, c.evict(gvr, a.Namespace, o)
		case object:
			if a.Subresource != "" {
				break
			}
			made, err := c.create(gvr, a.Namespace, o)
			return answer(made, err)
		}
	case clienttesting.GetActionImpl:
		c.mu.RLock()
		defer c.mu.RUnlock()
		o, err := c.find(gvr, a.Namespace, a.Name)
		return answer(o, err)
	case clienttesting.ListActionImpl:
		list, err := c.list(a)
		return true, list, err
	case clienttesting.UpdateActionImpl:
		if o, ok := a.Object.(object); ok && (a.Subresource == "" || a.Subresource == "status") {
			made, err := c.update(gvr, a.Namespace, a.Subresource, o)
			return answer(made, err)
		}
	case clienttesting.PatchActionImpl:
		if a.Subresource == "" && a.PatchType == types.StrategicMergePatchType {
			made, err := c.patch(gvr, a.Namespace, a.Name, a.Patch)
			return answer(made, err)
		}
	case clienttesting.DeleteActionImpl:
		return true, nil, c.delete(gvr, a.Namespace, a.Name, a.DeleteOptions)
	case clienttesting.DeleteCollectionActionImpl:
		f := filter{a.Namespace, a.ListRestrictions.Labels, a.ListRestrictions.Fields}
		return true, nil, c.deleteCollection(gvr, f, a.DeleteOptions)
	}
	return true, nil, apierrors.NewMethodNotSupported(gvr.GroupResource(), action.GetVerb()+" "+action.GetSubresource())
}

// answer gives the caller an object of its own.
func answer(o object, err error) (bool, runtime.Object, error) {
	if err != nil {
		return true, nil, err
	}
	return true, o.DeepCopyObject(), nil
}

func (c *Cluster) table(gvr schema.GroupVersionResource) *table {
	if c.tables[gvr] == nil {
		c.tables[gvr] = newTable()
	}
	return c.tables[gvr]
}

// find looks an object up; it is the table's own.
func (c *Cluster) find(gvr schema.GroupVersionResource, namespace, name string) (object, error) {
	if t := c.tables[gvr]; t != nil {
		if o, ok := t.objects[types.NamespacedName{Namespace: namespace, Name: name}]; ok {
			return o, nil
		}
	}
	return nil, apierrors.NewNotFound(gvr.GroupResource(), name)
}

// commit replaces old by new (either may be nil) under the next version.
func (c *Cluster) commit(gvr schema.GroupVersionResource, old, now object) {
	c.version++
	e := event{version: c.version, old: old, new: now}
	version := strconv.FormatInt(c.version, 10)
	if now != nil {
		now.SetResourceVersion(version)
	}
	if old != nil && (now == nil || !maps.Equal(old.GetLabels(), now.GetLabels())) {
		e.last = clone(old)
		e.last.SetResourceVersion(version)
	}
	c.table(gvr).change(e)
}

func (c *Cluster) create(gvr schema.GroupVersionResource, namespace string, o object) (object, error) {
	o = clone(o)
	if o.GetNamespace() == "" {
		o.SetNamespace(namespace)
	}
	if o.GetName() == "" && o.GetGenerateName() != "" {
		o.SetName(o.GetGenerateName() + rand.String(5))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch _, err := c.find(namespaces, "", namespace); {
	case o.GetNamespace() != namespace:
		return nil, apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	case o.GetResourceVersion() != "":
		return nil, apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	case namespace != "" && err != nil:
		return nil, err
	}
	now := metav1.NewTime(c.options.Now()).Rfc3339Copy()
	o.SetUID(uuid.NewUUID())
	o.SetCreationTimestamp(now)
	o.SetDeletionTimestamp(nil)
	o.SetDeletionGracePeriodSeconds(nil)
	copyStatus(o, reflect.New(reflect.TypeOf(o).Elem()).Interface().(object))
	setDefaults(o)
	if err := validate(gvr, o); err != nil {
		return nil, err
	}
	if _, err := c.find(gvr, namespace, o.GetName()); err == nil {
		return nil, apierrors.NewAlreadyExists(gvr.GroupResource(), o.GetName())
	}
	c.commit(gvr, nil, o)
	return o, nil
}

// update replaces all of an object but its status, or nothing but that.
func (c *Cluster) update(gvr schema.GroupVersionResource, namespace, subresource string, o object) (object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, err := c.find(gvr, namespace, o.GetName())
	if err != nil {
		return nil, err
	}
	return c.replace(gvr, namespace, subresource, old, o)
}

// replace updates an object that is there. The caller holds mu.
func (c *Cluster) replace(gvr schema.GroupVersionResource, namespace, subresource string, old, o object) (object, error) {
	if uid := o.GetUID(); uid != "" && uid != old.GetUID() {
		return nil, apierrors.NewConflict(gvr.GroupResource(), o.GetName(),
			fmt.Errorf("Precondition failed: UID in precondition: %s, UID in object meta: %s", uid, old.GetUID())) //nolint:staticcheck // the API server's words
	}
	if version := o.GetResourceVersion(); version != "" && version != old.GetResourceVersion() {
		return nil, apierrors.NewConflict(gvr.GroupResource(), o.GetName(),
			fmt.Errorf("the object has been modified; please apply your changes to the latest version and try again"))
	}
	var next object
	if subresource == "status" {
		next = clone(old)
		copyStatus(next, clone(o))
		next.SetLabels(maps.Clone(o.GetLabels())) // as a real API server does, by surprise
		next.SetAnnotations(maps.Clone(o.GetAnnotations()))
	} else {
		if err := permitted(old, o); err != nil {
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
	// An update that changes nothing is no event.
	if equality.Semantic.DeepEqual(old, next) {
		return old, nil
	}
	// The last finalizer held it back.
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
	if field := reflect.ValueOf(to).Elem().FieldByName("Status"); field.IsValid() {
		field.Set(reflect.ValueOf(from).Elem().FieldByName("Status"))
	}
}

func (c *Cluster) list(a clienttesting.ListActionImpl) (runtime.Object, error) {
	list, err := scheme.Scheme.New(a.Kind.GroupVersion().WithKind(a.Kind.Kind + "List"))
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	var items []runtime.Object
	if t := c.tables[a.Resource]; t != nil {
		for _, o := range t.list(filter{a.Namespace, a.ListRestrictions.Labels, a.ListRestrictions.Fields}) {
			items = append(items, o.DeepCopyObject())
		}
	}
	if err := meta.SetList(list, items); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	accessor.SetResourceVersion(strconv.FormatInt(c.version, 10))
	return list, nil
}
