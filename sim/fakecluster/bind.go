package fakecluster

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// bind assigns a pod to a node, as a scheduler requests it.
func (c *Cluster) bind(gvr schema.GroupVersionResource, binding *corev1.Binding) error {
	c.mu.Lock()
	defer c.unlock()
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
	case len(pod.Spec.SchedulingGates) > 0:
		return conflict("pod %s has non-empty .spec.schedulingGates", pod.Name)
	}
	pod.Spec.NodeName = binding.Target.Name
	setCondition(&pod.Status, corev1.PodCondition{
		Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(c.options.Now()).Rfc3339Copy(),
	})
	c.commit(gvr, o, pod)
	return nil
}

// setCondition replaces the condition of the same type, or adds it.
func setCondition(status *corev1.PodStatus, condition corev1.PodCondition) {
	for i := range status.Conditions {
		if status.Conditions[i].Type == condition.Type {
			status.Conditions[i] = condition
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}
