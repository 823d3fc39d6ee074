package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
)

// projectedVolume makes of a projected volume one that holds the same files: the
// virtual kubelet sends them with the request (projectedvolumemaps), tokens
// among them, so they become a Secret. What it does not send is taken from where
// it can be had: Secrets and binary data of objects that came for other mounts,
// and fields of the pod itself.
func (t *translation) projectedVolume(local *corev1.Volume, used bool, spec *corev1.PodSpec) (corev1.Volume, bool) {
	files := find(t.sources.projected, local.Name)
	if files == nil && !used {
		return corev1.Volume{}, false
	}
	content := map[string][]byte{} // by path
	if files != nil {
		for path, value := range files.Data {
			content[path] = []byte(value)
		}
		maps.Copy(content, files.BinaryData)
	}

	var rest []corev1.VolumeProjection
	modes := map[string]*int32{} // by path
	for _, source := range local.Projected.Sources {
		switch {
		case source.Secret != nil:
			if projection, ok := t.projectedSecret(local.Name, source.Secret); ok {
				rest = append(rest, projection)
			}
		case source.ConfigMap != nil:
			for _, item := range source.ConfigMap.Items {
				modes[item.Path] = item.Mode
			}
			t.binaryFiles(source.ConfigMap, content)
		case source.DownwardAPI != nil:
			for _, item := range source.DownwardAPI.Items {
				modes[item.Path] = item.Mode
			}
			if projection, ok := t.projectedFields(local.Name, source.DownwardAPI, content, spec); ok {
				rest = append(rest, projection)
			}
		case source.ServiceAccountToken != nil:
			// The token, if it could be had, is among the files.
		default:
			t.leaveOut("a source of projected volume %s is left out: only secret, configMap, downwardAPI and serviceAccountToken sources reach the remote cluster", local.Name)
		}
	}

	for _, source := range rest {
		ownPaths(source, func(path string) { delete(content, path) })
	}

	secret := t.projectedObject(local.Name)
	projection := &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: secret.Name}}
	for _, path := range slices.Sorted(maps.Keys(content)) {
		key := fileKey(path)
		secret.Data[key] = content[path]
		projection.Items = append(projection.Items, corev1.KeyToPath{Key: key, Path: path, Mode: modes[path]})
	}
	t.projected = append(t.projected, secret)

	return corev1.Volume{
		Name: local.Name,
		VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			DefaultMode: local.Projected.DefaultMode,
			Sources:     append([]corev1.VolumeProjection{{Secret: projection}}, rest...),
		}},
	}, true
}

// ownPaths calls each with the paths that a source names itself. Locally, a file
// of the same path from a source without items just gives way; named twice, the
// API server would refuse the volume.
func ownPaths(source corev1.VolumeProjection, each func(path string)) {
	if source.Secret != nil {
		for _, item := range source.Secret.Items {
			each(item.Path)
		}
	}
	if source.DownwardAPI != nil {
		for _, item := range source.DownwardAPI.Items {
			each(item.Path)
		}
	}
}

// projectedObject returns the still empty Secret for the files of a projected
// volume. The slash in its local name keeps it apart from every real Secret.
func (t *translation) projectedObject(volume string) *corev1.Secret {
	source := metav1.ObjectMeta{Name: volume, Namespace: t.pod.Namespace, UID: t.pod.UID}
	return &corev1.Secret{
		ObjectMeta: t.options.Scope.Meta(source, t.name(volume+"/projected"), t.uid),
		Data:       map[string][]byte{},
		Type:       corev1.SecretTypeOpaque,
	}
}

// projectedSecret carries over a Secret among the sources. InterLink never sends
// it for this volume, but it may have come for another mount.
func (t *translation) projectedSecret(volume string, source *corev1.SecretProjection) (corev1.VolumeProjection, bool) {
	if find(t.sources.secrets, source.Name) == nil {
		if !ptr.Deref(source.Optional, false) {
			t.leaveOut("Secret %s in projected volume %s is left out: InterLink does not send Secrets of projected volumes (mount it on its own as well, and it comes)", source.Name, volume)
		}
		return corev1.VolumeProjection{}, false
	}
	remote := source.DeepCopy()
	remote.Name = t.name(source.Name)
	return corev1.VolumeProjection{Secret: remote}, true
}

// binaryFiles adds the binary keys of a ConfigMap source, which the virtual
// kubelet leaves out of the files it sends, where the ConfigMap came for another
// mount.
func (t *translation) binaryFiles(source *corev1.ConfigMapProjection, content map[string][]byte) {
	configMap := find(t.sources.configMaps, source.Name)
	if configMap == nil {
		return
	}
	for key, value := range configMap.BinaryData {
		if len(source.Items) == 0 {
			content[key] = value
		}
		for _, item := range source.Items {
			if item.Key == key {
				content[item.Path] = value
			}
		}
	}
}

// projectedFields adds the fields of the local pod that the virtual kubelet did
// not resolve. Fields of a container's resources are the same remotely and stay
// with the remote kubelet.
func (t *translation) projectedFields(volume string, source *corev1.DownwardAPIProjection, content map[string][]byte, spec *corev1.PodSpec) (corev1.VolumeProjection, bool) {
	var rest []corev1.DownwardAPIVolumeFile
	for _, item := range source.Items {
		switch {
		case item.FieldRef != nil:
			if _, sent := content[item.Path]; sent {
				continue
			}
			if value, ok := localField(t.pod, item.FieldRef.FieldPath); ok {
				content[item.Path] = []byte(value)
			}
		case item.ResourceFieldRef != nil:
			if hasContainer(spec, item.ResourceFieldRef.ContainerName) {
				rest = append(rest, item)
				continue
			}
			t.leaveOut("file %s of volume %s is left out: container %s stays in the local cluster", item.Path, volume, item.ResourceFieldRef.ContainerName)
		}
	}
	return corev1.VolumeProjection{DownwardAPI: &corev1.DownwardAPIProjection{Items: rest}}, len(rest) > 0
}

func hasContainer(spec *corev1.PodSpec, name string) bool {
	is := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(spec.Containers, is) || slices.ContainsFunc(spec.InitContainers, is)
}

// fileKey returns the key of a Secret for a path: the path itself where it can
// be a key, else a readable part and a hash.
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

// formatMap writes labels or annotations as the downward API does: one
// key="value" a line, sorted.
func formatMap(m map[string]string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, key+"="+strconv.Quote(m[key]))
	}
	return strings.Join(lines, "\n")
}

// sourceType returns the name of a volume's type as manifests write it.
func sourceType(volume *corev1.Volume) string {
	source := reflect.ValueOf(volume.VolumeSource)
	for i := range source.NumField() {
		if !source.Field(i).IsNil() {
			name, _, _ := strings.Cut(source.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return "no type"
}
