package fakecluster

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// validate rejects the most frequent faults of plugins: names and labels that are too
// long or have invalid characters, incomplete owner references, mounts of volumes that
// the pod does not have, and a node for a pod with scheduling gates.
func validate(gvr schema.GroupVersionResource, o object) error {
	kind := schema.GroupKind{Group: gvr.Group}
	var all field.ErrorList
	validateName := validation.IsDNS1123Subdomain
	switch o := o.(type) {
	case *corev1.Namespace:
		kind.Kind, validateName = "Namespace", validation.IsDNS1123Label
	case *corev1.ConfigMap:
		kind.Kind = "ConfigMap"
	case *corev1.Secret:
		kind.Kind = "Secret"
	case *corev1.PersistentVolumeClaim:
		kind.Kind = "PersistentVolumeClaim"
	case *corev1.Service:
		kind.Kind, validateName = "Service", validation.IsDNS1035Label
	case *corev1.Pod:
		kind.Kind = "Pod"
		all = validatePod(o)
	default:
		return nil
	}
	all = append(all, apivalidation.ValidateOwnerReferences(o.GetOwnerReferences(), field.NewPath("metadata", "ownerReferences"))...)
	for _, problem := range validateName(o.GetName()) {
		all = append(all, field.Invalid(field.NewPath("metadata", "name"), o.GetName(), problem))
	}
	for key, value := range o.GetLabels() {
		for _, problem := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
			all = append(all, field.Invalid(field.NewPath("metadata", "labels"), key+"="+value, problem))
		}
	}
	if len(all) > 0 {
		return apierrors.NewInvalid(kind, o.GetName(), all)
	}
	return nil
}

func validatePod(pod *corev1.Pod) field.ErrorList {
	var all field.ErrorList
	volumes, containers := map[string]bool{}, map[string]bool{}
	for i, v := range pod.Spec.Volumes {
		path := field.NewPath("spec", "volumes").Index(i).Child("name")
		for _, problem := range validation.IsDNS1123Label(v.Name) {
			all = append(all, field.Invalid(path, v.Name, problem))
		}
		if volumes[v.Name] {
			all = append(all, field.Duplicate(path, v.Name))
		}
		volumes[v.Name] = true
	}
	if len(pod.Spec.Containers) == 0 {
		all = append(all, field.Required(field.NewPath("spec", "containers"), ""))
	}
	validateContainers := func(list string, specs []corev1.Container) {
		for i, c := range specs {
			path := field.NewPath("spec", list).Index(i)
			for _, problem := range validation.IsDNS1123Label(c.Name) {
				all = append(all, field.Invalid(path.Child("name"), c.Name, problem))
			}
			if containers[c.Name] {
				all = append(all, field.Duplicate(path.Child("name"), c.Name))
			}
			containers[c.Name] = true
			for j, m := range c.VolumeMounts {
				if !volumes[m.Name] {
					all = append(all, field.NotFound(path.Child("volumeMounts").Index(j).Child("name"), m.Name))
				}
			}
		}
	}
	validateContainers("initContainers", pod.Spec.InitContainers)
	validateContainers("containers", pod.Spec.Containers)
	return append(all, validateGates(pod)...)
}

func validateGates(pod *corev1.Pod) field.ErrorList {
	var all field.ErrorList
	gates := map[string]bool{}
	for i, gate := range pod.Spec.SchedulingGates {
		path := field.NewPath("spec", "schedulingGates").Index(i)
		for _, problem := range validation.IsQualifiedName(gate.Name) {
			all = append(all, field.Invalid(path, gate.Name, problem))
		}
		if gates[gate.Name] {
			all = append(all, field.Duplicate(path, gate.Name))
		}
		gates[gate.Name] = true
	}
	if pod.Spec.NodeName != "" && len(gates) > 0 {
		all = append(all, field.Forbidden(field.NewPath("spec", "nodeName"), "cannot be set until all schedulingGates have been cleared"))
	}
	return all
}

// validateUpdate rejects what an update must not change: scheduling gates can only be
// removed, and a deadline can only become shorter.
func validateUpdate(old, next object) error {
	all := apivalidation.ValidateOwnerReferences(next.GetOwnerReferences(), field.NewPath("metadata", "ownerReferences"))
	oldPod, ok := old.(*corev1.Pod)
	if newPod, both := next.(*corev1.Pod); ok && both {
		all = append(all, validateDeadlineUpdate(oldPod.Spec.ActiveDeadlineSeconds, newPod.Spec.ActiveDeadlineSeconds)...)
		for i, gate := range newPod.Spec.SchedulingGates {
			if !slices.Contains(oldPod.Spec.SchedulingGates, gate) {
				path := field.NewPath("spec", "schedulingGates").Index(i).Child("name")
				all = append(all, field.Forbidden(path, fmt.Sprintf("only deletion is allowed, but found new scheduling gate '%s'", gate.Name)))
			}
		}
	}
	if len(all) > 0 {
		return apierrors.NewInvalid(schema.GroupKind{Kind: reflect.TypeOf(old).Elem().Name()}, old.GetName(), all)
	}
	return nil
}

func validateDeadlineUpdate(before, after *int64) field.ErrorList {
	path := field.NewPath("spec", "activeDeadlineSeconds")
	switch {
	case ptr.Equal(before, after):
	case after == nil:
		return field.ErrorList{field.Invalid(path, after, "must not update from a positive integer to nil value")}
	case *after < 1 || *after > math.MaxInt32:
		return field.ErrorList{field.Invalid(path, *after, "must be between 1 and 2147483647, inclusive")}
	case before != nil && *after > *before:
		return field.ErrorList{field.Invalid(path, *after, "must be less than or equal to previous value")}
	}
	return nil
}
