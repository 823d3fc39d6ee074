package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
)

// projectedVolume returns a remote projected volume with the same files as a local
// one. The virtual kubelet sends most of the files, service account tokens included
// (docs/contract.md, VOL-2 and VOL-3), so they become a Secret. Files that it does not
// send (VOL-4) come from other places where possible: Secrets and binary data from
// objects that were sent for other mounts, and fields from the pod itself.
func (t *translation) projectedVolume(local *corev1.Volume, used bool, spec *corev1.PodSpec) (volume corev1.Volume, keep bool) {
	sent := findByName(t.sent.projected, local.Name)
	if sent == nil && !used {
		return corev1.Volume{}, false
	}
	files := map[string][]byte{} // content by path
	if sent != nil {
		for path, text := range sent.Data {
			files[path] = []byte(text)
		}
		maps.Copy(files, sent.BinaryData)
	}

	var others []corev1.VolumeProjection
	modes := map[string]*int32{} // by path
	for _, source := range local.Projected.Sources {
		switch {
		case source.Secret != nil:
			if projection, ok := t.projectedSecret(local.Name, source.Secret); ok {
				others = append(others, projection)
			}
		case source.ConfigMap != nil:
			for _, item := range source.ConfigMap.Items {
				modes[item.Path] = item.Mode
			}
			t.addBinaryFiles(source.ConfigMap, files)
		case source.DownwardAPI != nil:
			for _, item := range source.DownwardAPI.Items {
				modes[item.Path] = item.Mode
			}
			if projection, ok := t.projectedFields(local.Name, source.DownwardAPI, files, spec); ok {
				others = append(others, projection)
			}
		case source.ServiceAccountToken != nil:
			// The token is among the files that were sent.
			if t.dropTokens() {
				t.dropTokenFile(local.Name, source.ServiceAccountToken.Path, files)
			}
		default:
			t.dropUnsupported("a source of projected volume %s is left out: only secret, configMap, downwardAPI and serviceAccountToken sources reach the remote cluster", local.Name)
		}
	}

	if len(files)+len(others) == 0 && sent == nil && used && len(local.Projected.Sources) > 0 {
		t.warn(WarnVolumes, "volume %s is empty: InterLink sent no files for it (DisableProjectedVolumes of the virtual kubelet, disable-projected-volumes of InterLink's installer)", local.Name)
	}

	// Two sources of one volume may give the same path, unless both name it in their
	// items: the API server refuses that, and the Secret below names all its paths.
	for _, source := range others {
		for _, path := range itemPaths(source) {
			delete(files, path)
		}
	}

	// The slash in the local name differs from all names of real Secrets.
	secret := t.newSecret(local.Name, t.name(local.Name+"/projected"))
	projection := &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: secret.Name}}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		key := fileKey(path)
		secret.Data[key] = files[path]
		projection.Items = append(projection.Items, corev1.KeyToPath{Key: key, Path: path, Mode: modes[path]})
	}
	t.generatedSecrets = append(t.generatedSecrets, secret)

	return corev1.Volume{
		Name: local.Name,
		VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			DefaultMode: local.Projected.DefaultMode,
			Sources:     append([]corev1.VolumeProjection{{Secret: projection}}, others...),
		}},
	}, true
}

// itemPaths returns the paths that a source of a projected volume names.
func itemPaths(source corev1.VolumeProjection) []string {
	var paths []string
	if source.Secret != nil {
		for _, item := range source.Secret.Items {
			paths = append(paths, item.Path)
		}
	}
	if source.DownwardAPI != nil {
		for _, item := range source.DownwardAPI.Items {
			paths = append(paths, item.Path)
		}
	}
	return paths
}

// projectedSecret translates a Secret source. InterLink never sends the Secret for
// this volume, but it may have sent it for another mount.
func (t *translation) projectedSecret(volume string, source *corev1.SecretProjection) (projection corev1.VolumeProjection, keep bool) {
	if _, sent := t.sent.keys(kindSecret, source.Name); !sent {
		if !ptr.Deref(source.Optional, false) {
			t.dropUnsupported("Secret %s in projected volume %s is left out: InterLink does not send Secrets of projected volumes (it sends the Secret if the pod also mounts it in a secret volume)", source.Name, volume)
		}
		return corev1.VolumeProjection{}, false
	}
	remote := source.DeepCopy()
	t.translateReference(reference{
		user: "volume " + volume, kind: kindSecret, name: &remote.Name, keys: itemKeys(remote.Items), optional: &remote.Optional,
	})
	return corev1.VolumeProjection{Secret: remote}, true
}

// addBinaryFiles adds the binary data of a ConfigMap source. The virtual kubelet does
// not send it for this volume, but it may have sent the ConfigMap for another mount.
func (t *translation) addBinaryFiles(source *corev1.ConfigMapProjection, files map[string][]byte) {
	configMap := findByName(t.sent.configMaps, source.Name)
	if configMap == nil {
		return
	}
	for key, content := range configMap.BinaryData {
		if len(source.Items) == 0 {
			files[key] = content
		}
		for _, item := range source.Items {
			if item.Key == key {
				files[item.Path] = content
			}
		}
	}
}

// projectedFields adds the fields of the local pod that the virtual kubelet did not
// resolve. It returns a source with the fields that the remote kubelet must resolve:
// the resources of containers, which are the same in both clusters.
func (t *translation) projectedFields(volume string, source *corev1.DownwardAPIProjection, files map[string][]byte, spec *corev1.PodSpec) (projection corev1.VolumeProjection, keep bool) {
	var items []corev1.DownwardAPIVolumeFile
	for _, item := range source.Items {
		switch {
		case item.FieldRef != nil:
			if _, sent := files[item.Path]; sent {
				continue
			}
			if value, ok := localField(t.pod, item.FieldRef.FieldPath); ok {
				files[item.Path] = []byte(value)
			}
		case item.ResourceFieldRef != nil:
			if hasContainer(spec, item.ResourceFieldRef.ContainerName) {
				items = append(items, item)
				continue
			}
			t.dropUnsupported("file %s of volume %s is left out: container %s stays in the local cluster", item.Path, volume, item.ResourceFieldRef.ContainerName)
		}
	}
	return corev1.VolumeProjection{DownwardAPI: &corev1.DownwardAPIProjection{Items: items}}, len(items) > 0
}

// fileKey returns a key of a Secret for a path: the path itself if it is a valid key,
// else a readable part and a hash of the path.
func fileKey(path string) string {
	if len(validation.IsConfigMapKey(path)) == 0 {
		return path
	}
	readable := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", r) {
			return r
		}
		return '_'
	}, path)
	sum := sha256.Sum256([]byte(path))
	return strings.TrimLeft(readable[:min(len(readable), 100)], ".") + "-" + hex.EncodeToString(sum[:8])
}
