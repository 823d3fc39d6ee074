package fakecluster

import (
	"fmt"
	"reflect"
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
	defer c.mu.Unlock()
	o, err := c.find(gvr, namespace, name)
	if err != nil {
		return err
	}
	return c.remove(gvr, o, options)
}

func (c *Cluster) deleteCollection(gvr schema.GroupVersionResource, f filter, options metav1.DeleteOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.table(gvr).list(f) {
		if err := c.remove(gvr, o, options); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes an object, or marks it as going where a kubelet or a finalizer
// must let go of it first.
func (c *Cluster) remove(gvr schema.GroupVersionResource, o object, options metav1.DeleteOptions) error {
	if p := options.Preconditions; p != nil {
		// Here, and nowhere else, the API server says the kind for the resource.
		kind := schema.GroupResource{Group: gvr.Group, Resource: reflect.TypeOf(o).Elem().Name()}
		if p.UID != nil && *p.UID != o.GetUID() {
			return apierrors.NewConflict(kind, o.GetName(), fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). "+
				"The object might have been deleted and then recreated", *p.UID, o.GetUID()))
		}
		if p.ResourceVersion != nil && *p.ResourceVersion != o.GetResourceVersion() {
			return apierrors.NewConflict(kind, o.GetName(), fmt.Errorf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). "+
				"The object might have been modified", *p.ResourceVersion, o.GetResourceVersion()))
		}
	}
	grace := int64(0)
	if pod, ok := o.(*corev1.Pod); ok {
		grace = graceOf(pod, options.GracePeriodSeconds)
	}
	begun := c.options.Now()
	if going := o.GetDeletionTimestamp(); going != nil {
		begun = going.Add(-time.Duration(ptr.Deref(o.GetDeletionGracePeriodSeconds(), 0)) * time.Second)
	}
	_, pod := o.(*corev1.Pod)
	switch held := len(o.GetFinalizers()) > 0; {
	case grace == 0 && !held:
		if pod { // a pod goes in two steps, even at once
			o = c.mark(gvr, o, begun, grace)
		}
		c.commit(gvr, o, nil)
		if gvr == namespaces {
			c.clear(o.GetName())
		}
	case o.GetDeletionTimestamp() == nil, grace < ptr.Deref(o.GetDeletionGracePeriodSeconds(), 0):
		// A grace period may be shortened, never prolonged.
		c.mark(gvr, o, begun, grace)
	}
	return nil
}

func (c *Cluster) mark(gvr schema.GroupVersionResource, o object, begun time.Time, grace int64) object {
	going := clone(o)
	going.SetDeletionTimestamp(ptr.To(metav1.NewTime(begun.Add(time.Duration(grace) * time.Second)).Rfc3339Copy()))
	going.SetDeletionGracePeriodSeconds(&grace)
	c.commit(gvr, o, going)
	return going
}

// graceOf is how long a pod may take to go: no time if no kubelet has it or it
// is done.
func graceOf(pod *corev1.Pod, asked *int64) int64 {
	switch {
	case pod.Spec.NodeName == "", pod.Status.Phase == corev1.PodSucceeded, pod.Status.Phase == corev1.PodFailed:
		return 0
	case asked == nil && pod.DeletionGracePeriodSeconds != nil:
		return *pod.DeletionGracePeriodSeconds
	}
	grace := ptr.Deref(asked, ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds))
	if grace < 0 {
		return 1
	}
	return grace
}

// clear deletes what a deleted namespace held, at once: there is no controller.
func (c *Cluster) clear(namespace string) {
	for gvr, t := range c.tables {
		for _, o := range t.list(filter{namespace: namespace}) {
			c.commit(gvr, o, nil)
		}
	}
}

// evict is what kubectl drain does; budgets are not known.
func (c *Cluster) evict(gvr schema.GroupVersionResource, namespace string, eviction *policyv1.Eviction) error {
	return c.delete(gvr, namespace, eviction.Name, ptr.Deref(eviction.DeleteOptions, metav1.DeleteOptions{}))
}

// bind gives a pod a node, as a scheduler asks for it.
func (c *Cluster) bind(gvr schema.GroupVersionResource, binding *corev1.Binding) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, err := c.find(gvr, binding.Namespace, binding.Name)
	if err != nil {
		return err
	}
	pod := o.DeepCopyObject().(*corev1.Pod)
	conflict := func(format string, args ...any) error {
		resource := schema.GroupResource{Resource: "pods/binding"}
		return apierrors.NewConflict(resource, binding.Name, fmt.Errorf(format, args...))
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return conflict("pod %s is being deleted, cannot be assigned to a host", pod.Name)
	case pod.Spec.NodeName != "":
		return conflict("pod %s is already assigned to node %q", pod.Name, pod.Spec.NodeName)
	}
	pod.Spec.NodeName = binding.Target.Name
	scheduled := corev1.PodCondition{
		Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(c.options.Now()).Rfc3339Copy(),
	}
	pod.Status.Conditions = append(pod.Status.Conditions[:0:0], pod.Status.Conditions...)
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodScheduled {
			pod.Status.Conditions[i] = scheduled
			c.commit(gvr, o, pod)
			return nil
		}
	}
	pod.Status.Conditions = append(pod.Status.Conditions, scheduled)
	c.commit(gvr, o, pod)
	return nil
}
