package interlink

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// resolveVolumes returns the objects of each volume by its name, and rewrites the
// pod's downwardAPI volumes as projected ones (docs/contract.md, VOL-5). A missing
// ConfigMap or Secret is an error even if it is optional; InterLink waits five
// minutes for it (VOL-7).
func resolveVolumes(pod *corev1.Pod, objects Objects, options Options) (map[string]ContainerVolumes, error) {
	byVolume := map[string]ContainerVolumes{}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		var volumeObjects ContainerVolumes
		switch {
		case volume.ConfigMap != nil:
			object, err := objects.configMap(pod.Namespace, volume.ConfigMap.Name)
			if err != nil {
				return nil, fmt.Errorf("volume %s: %w", volume.Name, err)
			}
			volumeObjects.ConfigMaps = []corev1.ConfigMap{*object}
		case volume.Secret != nil:
			object, err := objects.secret(pod.Namespace, volume.Secret.SecretName)
			if err != nil {
				return nil, fmt.Errorf("volume %s: %w", volume.Name, err)
			}
			volumeObjects.Secrets = []corev1.Secret{*object}
		case options.DisableProjectedVolumes && (volume.DownwardAPI != nil || volume.Projected != nil):
			// They stay as they are, without any file (docs/contract.md, VOL-8).
		case volume.DownwardAPI != nil:
			from := volume.DownwardAPI
			volume.VolumeSource = corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				DefaultMode: from.DefaultMode,
				Sources:     []corev1.VolumeProjection{{DownwardAPI: &corev1.DownwardAPIProjection{Items: from.Items}}},
			}}
			fallthrough
		case volume.Projected != nil:
			files, err := projectedFiles(pod, volume.Projected, objects, options)
			if err != nil {
				return nil, fmt.Errorf("volume %s: %w", volume.Name, err)
			}
			volumeObjects.ProjectedVolumeMaps = []ProjectedMap{{Metadata: ProjectedMeta{Name: volume.Name}, Data: files}}
		}
		byVolume[volume.Name] = volumeObjects
	}
	return byVolume, nil
}

// projectedFiles returns the content of a projected volume's files by path, without
// what InterLink leaves out (docs/contract.md, VOL-4).
func projectedFiles(pod *corev1.Pod, volume *corev1.ProjectedVolumeSource, objects Objects, options Options) (map[string]string, error) {
	files := map[string]string{}
	for _, source := range volume.Sources {
		switch {
		case source.ServiceAccountToken != nil:
			files[source.ServiceAccountToken.Path] = token(pod, options.Now().Time)
		case source.ConfigMap != nil:
			object, err := objects.configMap(pod.Namespace, source.ConfigMap.Name)
			if err != nil {
				return nil, err
			}
			if len(source.ConfigMap.Items) == 0 {
				maps.Copy(files, object.Data)
			}
			for _, item := range source.ConfigMap.Items {
				value, ok := object.Data[item.Key]
				if !ok {
					return nil, fmt.Errorf("the ConfigMap %s has no key %s", object.Name, item.Key)
				}
				files[item.Path] = value
			}
		case source.DownwardAPI != nil:
			for _, item := range source.DownwardAPI.Items {
				if item.FieldRef == nil {
					continue // InterLink leaves resources out
				}
				if value, ok := projectedField(pod, item.FieldRef.FieldPath); ok {
					files[item.Path] = value
				}
			}
		}
	}
	return files, nil
}

// projectedField returns a field of the pod as InterLink writes it into a projected
// file. InterLink knows few fields, and ends labels and annotations with a newline.
func projectedField(pod *corev1.Pod, path string) (string, bool) {
	end := ""
	switch path {
	case "metadata.labels", "metadata.annotations":
		end = "\n"
	case "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.podIP", "status.hostIP":
	default:
		return "", false
	}
	value, err := podspec.Field(pod, path)
	if err != nil || value == "" {
		return "", err == nil
	}
	return value + end, true
}
