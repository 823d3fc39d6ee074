package translate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// sentObjects are the local objects that a request contains, each once. InterLink
// sends a copy of each for every mount of every container (docs/contract.md, VOL-1).
type sentObjects struct {
	configMaps []*corev1.ConfigMap
	secrets    []*corev1.Secret
	// projected holds the files of projected volumes, by the name of the volume
	// (VOL-2).
	projected []*corev1.ConfigMap
	claims    []*corev1.PersistentVolumeClaim
}

func collectSentObjects(containers []wire.ContainerVolumes) sentObjects {
	var s sentObjects
	for i := range containers {
		c := &containers[i]
		s.configMaps = appendMissing(s.configMaps, c.ConfigMaps)
		s.secrets = appendMissing(s.secrets, c.Secrets)
		s.projected = appendMissing(s.projected, c.ProjectedVolumeMaps)
		s.claims = appendMissing(s.claims, c.PersistentVolumeClaims)
	}
	return s
}

// keys returns the keys of a ConfigMap or Secret, and whether the request contains it.
func (s *sentObjects) keys(kind, name string) (keys map[string]bool, sent bool) {
	keys = map[string]bool{}
	if kind == kindConfigMap {
		configMap := findByName(s.configMaps, name)
		if configMap == nil {
			return nil, false
		}
		addKeys(keys, configMap.Data)
		addKeys(keys, configMap.BinaryData)
		return keys, true
	}
	secret := findByName(s.secrets, name)
	if secret == nil {
		return nil, false
	}
	addKeys(keys, secret.Data)
	addKeys(keys, secret.StringData)
	return keys, true
}

func addKeys[T any](keys map[string]bool, data map[string]T) {
	for key := range data {
		keys[key] = true
	}
}

// namedPointer is a pointer to an object that has a name.
type namedPointer[T any] interface {
	*T
	GetName() string
}

// appendMissing appends those of more whose name is not in list yet. The name is
// enough: all objects are in the namespace of the pod.
func appendMissing[T any, P namedPointer[T]](list []P, more []T) []P {
	for i := range more {
		if findByName(list, P(&more[i]).GetName()) == nil {
			list = append(list, &more[i])
		}
	}
	return list
}

// findByName returns the object with a name, or nil.
func findByName[T any, P namedPointer[T]](list []P, name string) P {
	for _, object := range list {
		if object.GetName() == name {
			return object
		}
	}
	return nil
}

// configMaps returns the remote copies of the ConfigMaps in the request.
func (t *translation) configMaps() []*corev1.ConfigMap {
	var remote []*corev1.ConfigMap
	for _, local := range t.sent.configMaps {
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

// secrets returns the remote copies of the Secrets in the request.
func (t *translation) secrets() []*corev1.Secret {
	var remote []*corev1.Secret
	for _, local := range t.sent.secrets {
		source := local.ObjectMeta
		source.Namespace = t.pod.Namespace
		secretType := local.Type
		if secretType == corev1.SecretTypeServiceAccountToken {
			// The remote cluster deletes a token Secret whose service account does not
			// exist there. The type does not change the files in the pod.
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
