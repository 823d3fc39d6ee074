package translate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// sources are the objects that came with a request, each once: InterLink sends
// one copy for every mount of every container.
type sources struct {
	configMaps []*corev1.ConfigMap
	secrets    []*corev1.Secret
	projected  []*corev1.ConfigMap
	claims     []*corev1.PersistentVolumeClaim
}

func collect(containers []wire.ContainerVolumes) sources {
	var s sources
	for i := range containers {
		c := &containers[i]
		s.configMaps = addNew(s.configMaps, c.ConfigMaps)
		s.secrets = addNew(s.secrets, c.Secrets)
		s.projected = addNew(s.projected, c.ProjectedVolumeMaps)
		s.claims = addNew(s.claims, c.PersistentVolumeClaims)
	}
	return s
}

// named is any object with a name.
type named[T any] interface {
	*T
	GetName() string
}

// addNew appends those of more that known does not hold yet, by name: all come
// from the pod's namespace.
func addNew[T any, P named[T]](known []P, more []T) []P {
	for i := range more {
		if find(known, P(&more[i]).GetName()) == nil {
			known = append(known, &more[i])
		}
	}
	return known
}

// find returns the object of that name, or nil.
func find[T any, P named[T]](objects []P, name string) P {
	for _, object := range objects {
		if object.GetName() == name {
			return object
		}
	}
	return nil
}

// configMaps returns the remote copies of the ConfigMaps that came.
func (t *translation) configMaps() []*corev1.ConfigMap {
	var remote []*corev1.ConfigMap
	for _, local := range t.sources.configMaps {
		source := local.ObjectMeta
		source.Namespace = t.pod.Namespace
		remote = append(remote, &corev1.ConfigMap{
			ObjectMeta: t.options.Scope.Meta(source, t.name(local.Name), t.uid),
			Data:       local.Data,
			BinaryData: local.BinaryData,
			Immutable:  local.Immutable,
		})
	}
	return remote
}

// secrets returns the remote copies of the Secrets that came.
func (t *translation) secrets() []*corev1.Secret {
	var remote []*corev1.Secret
	for _, local := range t.sources.secrets {
		source := local.ObjectMeta
		source.Namespace = t.pod.Namespace
		secretType := local.Type
		if secretType == corev1.SecretTypeServiceAccountToken {
			// The remote cluster deletes a token whose service account it
			// does not have. The files in the pod are the same either way.
			secretType = corev1.SecretTypeOpaque
		}
		remote = append(remote, &corev1.Secret{
			ObjectMeta: t.options.Scope.Meta(source, t.name(local.Name), t.uid),
			Data:       local.Data,
			StringData: local.StringData,
			Immutable:  local.Immutable,
			Type:       secretType,
		})
	}
	return remote
}
