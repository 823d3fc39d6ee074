package fakecluster

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// setDefaults sets those defaults of the API server on a new object that the plugin,
// the simulated nodes or a scenario depends on.
func setDefaults(o object) {
	switch o := o.(type) {
	case *corev1.Namespace:
		o.Status.Phase = corev1.NamespaceActive
		if o.Labels == nil {
			o.Labels = map[string]string{}
		}
		o.Labels[corev1.LabelMetadataName] = o.Name
	case *corev1.PersistentVolumeClaim:
		o.Status.Phase = corev1.ClaimPending
	case *corev1.Pod:
		o.Generation = 1
		o.Status.Phase = corev1.PodPending
		podspec.SetDefaults(&o.Spec)
		if len(o.Spec.SchedulingGates) > 0 {
			setCondition(&o.Status, corev1.PodCondition{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonSchedulingGated,
				Message: "Scheduling is blocked due to non-empty scheduling gates", LastTransitionTime: o.CreationTimestamp,
			})
		}
	}
}
