package fakecluster

import (
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// setDefaults sets on a new object what an API server would and somebody relies on.
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
	}
}

// validate refuses what plugins get wrong most: names that are too long or hold
// what they must not, and mounts of volumes that are not there.
func validate(gvr schema.GroupVersionResource, o object) error {
	kind := schema.GroupKind{Group: gvr.Group}
	var all field.ErrorList
	names := validation.IsDNS1123Subdomain
	switch o := o.(type) {
	case *corev1.Namespace:
		kind.Kind, names = "Namespace", validation.IsDNS1123Label
	case *corev1.ConfigMap:
		kind.Kind = "ConfigMap"
	case *corev1.Secret:
		kind.Kind = "Secret"
	case *corev1.PersistentVolumeClaim:
		kind.Kind = "PersistentVolumeClaim"
	case *corev1.Service:
		kind.Kind, names = "Service", validation.IsDNS1035Label
	case *corev1.Pod:
		kind.Kind = "Pod"
		all = validatePod(o)
	default:
		return nil
	}
	for _, words := range names(o.GetName()) {
		all = append(all, field.Invalid(field.NewPath("metadata", "name"), o.GetName(), words))
	}
	for key, value := range o.GetLabels() {
		for _, words := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
			all = append(all, field.Invalid(field.NewPath("metadata", "labels"), key+"="+value, words))
		}
	}
	if len(all) > 0 {
		return apierrors.NewInvalid(kind, o.GetName(), all)
	}
	return nil
}

func validatePod(pod *corev1.Pod) field.ErrorList {
	var all field.ErrorList
	volumes, taken := map[string]bool{}, map[string]bool{}
	for i, v := range pod.Spec.Volumes {
		path := field.NewPath("spec", "volumes").Index(i).Child("name")
		for _, words := range validation.IsDNS1123Label(v.Name) {
			all = append(all, field.Invalid(path, v.Name, words))
		}
		if volumes[v.Name] {
			all = append(all, field.Duplicate(path, v.Name))
		}
		volumes[v.Name] = true
	}
	if len(pod.Spec.Containers) == 0 {
		all = append(all, field.Required(field.NewPath("spec", "containers"), ""))
	}
	check := func(name string, containers []corev1.Container) {
		for i, c := range containers {
			path := field.NewPath("spec", name).Index(i)
			for _, words := range validation.IsDNS1123Label(c.Name) {
				all = append(all, field.Invalid(path.Child("name"), c.Name, words))
			}
			if taken[c.Name] {
				all = append(all, field.Duplicate(path.Child("name"), c.Name))
			}
			taken[c.Name] = true
			for j, m := range c.VolumeMounts {
				if !volumes[m.Name] {
					all = append(all, field.NotFound(path.Child("volumeMounts").Index(j).Child("name"), m.Name))
				}
			}
		}
	}
	check("initContainers", pod.Spec.InitContainers)
	check("containers", pod.Spec.Containers)
	return all
}
