package fakecluster

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

func (c *Cluster) delete(gvr schema.GroupVersionResource, namespace, name string, options metav1.DeleteOptions) error {
	c.mu.Lock()
	defer c.unlock()
	o, err := c.find(gvr, namespace, name)
	if err != nil {
		return err
	}
	return c.deleteObject(gvr, o, options)
}

func (c *Cluster) deleteCollection(gvr schema.GroupVersionResource, f filter, options metav1.DeleteOptions) error {
	c.mu.Lock()
	defer c.unlock()
	for _, o := range c.store(gvr).list(f) {
		if err := c.deleteObject(gvr, o, options); err != nil {
			return err
		}
	}
	return nil
}

// deleteObject removes an object from the store. If a kubelet must stop it or a
// finalizer holds it, it sets the deletion timestamp instead.
func (c *Cluster) deleteObject(gvr schema.GroupVersionResource, o object, options metav1.DeleteOptions) error {
	if err := checkPreconditions(gvr, o, options.Preconditions); err != nil {
		return err
	}
	grace := int64(0)
	pod, isPod := o.(*corev1.Pod)
	if isPod {
		grace = gracePeriod(pod, options.GracePeriodSeconds)
	}
	deletedAt := c.options.Now()
	before := ptr.Deref(o.GetDeletionGracePeriodSeconds(), 0)
	if due := o.GetDeletionTimestamp(); due != nil { // deleted before: the time of the first delete counts
		deletedAt = due.Add(-time.Duration(before) * time.Second)
		if before > 0 && grace >= before {
			return nil // a second delete can shorten the grace period, but change nothing else
		}
	}
	finalizers := finalizersAfterDelete(o, options)
	switch {
	case grace == 0 && len(finalizers) == 0:
		if isPod { // a watch sees a pod's deletion timestamp first, even without a grace period
			o = c.setDeletionTimestamp(gvr, o, deletedAt, grace, nil)
		}
		c.commit(gvr, o, nil)
		if gvr == namespaces {
			c.deleteContents(o.GetName())
		}
	case o.GetDeletionTimestamp() == nil, grace < before, !slices.Equal(finalizers, o.GetFinalizers()):
		c.setDeletionTimestamp(gvr, o, deletedAt, grace, finalizers)
	}
	return nil
}

func checkPreconditions(gvr schema.GroupVersionResource, o object, preconditions *metav1.Preconditions) error {
	if preconditions == nil {
		return nil
	}
	// Only in this error the API server puts the kind in the place of the resource.
	kind := schema.GroupResource{Group: gvr.Group, Resource: reflect.TypeOf(o).Elem().Name()}
	if uid := preconditions.UID; uid != nil && *uid != o.GetUID() {
		return apierrors.NewConflict(kind, o.GetName(), fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). "+
			"The object might have been deleted and then recreated", *uid, o.GetUID()))
	}
	if version := preconditions.ResourceVersion; version != nil && *version != o.GetResourceVersion() {
		return apierrors.NewConflict(kind, o.GetName(), fmt.Errorf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). "+
			"The object might have been modified", *version, o.GetResourceVersion()))
	}
	return nil
}

func (c *Cluster) setDeletionTimestamp(gvr schema.GroupVersionResource, o object, deletedAt time.Time, grace int64, finalizers []string) object {
	terminating := clone(o)
	terminating.SetFinalizers(finalizers)
	terminating.SetDeletionTimestamp(ptr.To(metav1.NewTime(deletedAt.Add(time.Duration(grace) * time.Second)).Rfc3339Copy()))
	terminating.SetDeletionGracePeriodSeconds(&grace)
	c.commit(gvr, o, terminating)
	return terminating
}

// gracePeriod returns the grace period of a pod's deletion in seconds: 0 if the pod
// has no node or has ended, so that no kubelet must stop it.
func gracePeriod(pod *corev1.Pod, requested *int64) int64 {
	switch {
	case pod.Spec.NodeName == "", pod.Status.Phase == corev1.PodSucceeded, pod.Status.Phase == corev1.PodFailed:
		return 0
	case requested == nil && pod.DeletionGracePeriodSeconds != nil:
		return *pod.DeletionGracePeriodSeconds
	}
	grace := ptr.Deref(requested, ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds))
	if grace < 0 {
		return 1
	}
	return grace
}

// deleteContents deletes all objects of a deleted namespace at once, because no
// namespace controller runs here.
func (c *Cluster) deleteContents(namespace string) {
	for gvr, s := range c.stores {
		for _, o := range s.list(filter{namespace: namespace}) {
			c.commit(gvr, o, nil)
		}
	}
}

// evict deletes a pod, as kubectl drain requests it. Pod disruption budgets are not
// checked.
func (c *Cluster) evict(gvr schema.GroupVersionResource, namespace string, eviction *policyv1.Eviction) error {
	return c.delete(gvr, namespace, eviction.Name, ptr.Deref(eviction.DeleteOptions, metav1.DeleteOptions{}))
}
