package fakecluster

import (
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validate rejects the most frequent faults of plugins: names and labels that are too
// long or have invalid characters, and mounts of volumes that the pod does not have.
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
	return all
}
