package inspect

import (
	"fmt"
	"maps"
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// tokenContent is the content of a token's file here. A real token comes from the API
// server.
const tokenContent = "token"

// defaultFileMode is the mode of files in volumes without a mode:
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/
const defaultFileMode = 0o644

// volume returns the files of a volume by their paths in the volume.
func (s *Snapshot) volume(pod *corev1.Pod, c *corev1.Container, name string) (map[string]File, error) {
	for _, v := range pod.Spec.Volumes {
		if v.Name != name {
			continue
		}
		switch {
		case v.ConfigMap != nil:
			return s.configMapFiles(pod, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.DefaultMode, v.ConfigMap.Optional)
		case v.Secret != nil:
			return s.secretFiles(pod, v.Secret.SecretName, v.Secret.Items, v.Secret.DefaultMode, v.Secret.Optional)
		case v.DownwardAPI != nil:
			return downwardAPIFiles(pod, c, v.DownwardAPI.Items, v.DownwardAPI.DefaultMode)
		case v.Projected != nil:
			return s.projectedFiles(pod, c, v.Projected)
		}
		return nil, nil
	}
	return nil, fmt.Errorf("the remote pod %s has no such volume", pod.Name)
}

func (s *Snapshot) configMapFiles(pod *corev1.Pod, name string, items []corev1.KeyToPath, mode *int32, optional *bool) (map[string]File, error) {
	object := s.configMap(pod.Namespace, name)
	if object == nil {
		return nil, missingError("ConfigMap", name, "", optional)
	}
	data := map[string][]byte{}
	for key, value := range object.Data {
		data[key] = []byte(value)
	}
	maps.Copy(data, object.BinaryData)
	return keyFiles("ConfigMap", name, data, items, mode, optional)
}

func (s *Snapshot) secretFiles(pod *corev1.Pod, name string, items []corev1.KeyToPath, mode *int32, optional *bool) (map[string]File, error) {
	object := s.secret(pod.Namespace, name)
	if object == nil {
		return nil, missingError("Secret", name, "", optional)
	}
	return keyFiles("Secret", name, object.Data, items, mode, optional)
}

// keyFiles returns the files of the items, or of all keys if there are no items.
func keyFiles(kind, name string, data map[string][]byte, items []corev1.KeyToPath, mode *int32, optional *bool) (map[string]File, error) {
	files := map[string]File{}
	if len(items) == 0 {
		for key, value := range data {
			files[key] = File{value, fileMode(nil, mode)}
		}
		return files, nil
	}
	for _, item := range items {
		value, found := data[item.Key]
		if !found {
			if err := missingError(kind, name, item.Key, optional); err != nil {
				return nil, err
			}
			continue
		}
		files[path.Clean(item.Path)] = File{value, fileMode(item.Mode, mode)}
	}
	return files, nil
}

func downwardAPIFiles(pod *corev1.Pod, c *corev1.Container, items []corev1.DownwardAPIVolumeFile, mode *int32) (map[string]File, error) {
	files := map[string]File{}
	for _, item := range items {
		var value string
		var err error
		switch {
		case item.FieldRef != nil:
			value, err = podspec.Field(pod, item.FieldRef.FieldPath)
		case item.ResourceFieldRef != nil:
			value, err = podspec.Resource(pod, c, item.ResourceFieldRef)
		}
		if err != nil {
			return nil, err
		}
		files[path.Clean(item.Path)] = File{[]byte(value), fileMode(item.Mode, mode)}
	}
	return files, nil
}

func (s *Snapshot) projectedFiles(pod *corev1.Pod, c *corev1.Container, volume *corev1.ProjectedVolumeSource) (map[string]File, error) {
	files := map[string]File{}
	for _, source := range volume.Sources {
		var sourceFiles map[string]File
		var err error
		switch {
		case source.ConfigMap != nil:
			sourceFiles, err = s.configMapFiles(pod, source.ConfigMap.Name, source.ConfigMap.Items, volume.DefaultMode, source.ConfigMap.Optional)
		case source.Secret != nil:
			sourceFiles, err = s.secretFiles(pod, source.Secret.Name, source.Secret.Items, volume.DefaultMode, source.Secret.Optional)
		case source.DownwardAPI != nil:
			sourceFiles, err = downwardAPIFiles(pod, c, source.DownwardAPI.Items, volume.DefaultMode)
		case source.ServiceAccountToken != nil:
			sourceFiles = map[string]File{path.Clean(source.ServiceAccountToken.Path): {[]byte(tokenContent), fileMode(nil, volume.DefaultMode)}}
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(files, sourceFiles)
	}
	return files, nil
}

func fileMode(item, volume *int32) int32 {
	if item != nil {
		return *item
	}
	return ptr.Deref(volume, defaultFileMode)
}
