package translate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// needsGate reports whether a container of the remote pod could start before all
// objects that the pod owns exist: the pod is created first, since it is their owner. Or
// without the files of an image.
//
// Mostly the kubelet waits. It starts no container, init containers included, before it
// has set up all volumes that at least one container mounts, and a volume with a
// ConfigMap or Secret that does not exist is not set up, unless the source is optional.
// The kubelet does not wait like this for an object
//
//   - that only variables name: the init containers would run before;
//   - whose volume no container mounts: it would appear later than the containers;
//   - that an optional source names: the container would find no files;
//   - that no volume can name, such as a Service.
//
// Nor does it know of a volume with the files of an image that the API server has left
// out (docs/contract.md, VOL-13).
//
// With such an object or volume, the pod needs the scheduling gate [wire.GateDependents]
// until everything is there. The gate costs one more request to the API server, so other pods
// do not get it.
func needsGate(spec *corev1.PodSpec, dependents []metav1.Object) bool {
	if slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Image != nil }) {
		return true
	}
	required, optional := mountedObjects(spec)
	return slices.ContainsFunc(dependents, func(dependent metav1.Object) bool {
		id := identify(dependent)
		return !slices.Contains(required, id) || slices.Contains(optional, id)
	})
}

// objectID identifies one of the remote objects of a pod.
type objectID struct{ kind, name string }

func identify(dependent metav1.Object) objectID {
	id := objectID{name: dependent.GetName()}
	switch dependent.(type) {
	case *corev1.ConfigMap:
		id.kind = kindConfigMap
	case *corev1.Secret:
		id.kind = kindSecret
	}
	return id
}

// mountedObjects returns the ConfigMaps and Secrets in the volumes that containers
// mount: those of required and those of optional sources.
func mountedObjects(spec *corev1.PodSpec) (required, optional []objectID) {
	users := volumeUsers(spec)
	add := func(kind, name string, isOptional *bool) {
		if ptr.Deref(isOptional, false) {
			optional = append(optional, objectID{kind, name})
		} else {
			required = append(required, objectID{kind, name})
		}
	}
	for i := range spec.Volumes {
		volume := &spec.Volumes[i]
		switch {
		case len(users[volume.Name]) == 0:
		case volume.ConfigMap != nil:
			add(kindConfigMap, volume.ConfigMap.Name, volume.ConfigMap.Optional)
		case volume.Secret != nil:
			add(kindSecret, volume.Secret.SecretName, volume.Secret.Optional)
		case volume.Projected != nil:
			for _, source := range volume.Projected.Sources {
				if source.ConfigMap != nil {
					add(kindConfigMap, source.ConfigMap.Name, source.ConfigMap.Optional)
				}
				if source.Secret != nil {
					add(kindSecret, source.Secret.Name, source.Secret.Optional)
				}
			}
		}
	}
	return required, optional
}
