package virtualkubelet

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// gatherVolumes finds what the pod's volumes need, by volume, and rewrites its
// downwardAPI volumes as projected ones, as the virtual kubelet does. The real
// one waits five minutes for a ConfigMap or Secret, optional or not.
func gatherVolumes(pod *corev1.Pod, objects Objects, options Options) (map[string]ContainerVolumes, error) {
	found := map[string]ContainerVolumes{}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		var has ContainerVolumes
		switch {
		case volume.ConfigMap != nil:
			object, err := objects.configMap(pod.Namespace, volume.ConfigMap.Name)
			if err != nil {
				return nil, fmt.Errorf("volume %s: %w", volume.Name, err)
			}
			has.ConfigMaps = []corev1.ConfigMap{*object}
		case volume.Secret != nil:
			object, err := objects.secret(pod.Namespace, volume.Secret.SecretName)
			if err != nil {
				return nil, fmt.Errorf("volume %s: %w", volume.Name, err)
			}
			has.Secrets = []corev1.Secret{*object}
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
			has.ProjectedVolumeMaps = []ProjectedMap{{Metadata: ProjectedMeta{Name: volume.Name}, Data: files}}
		}
		found[volume.Name] = has
	}
	return found, nil
}

// projectedFiles are a projected volume's files, by path. Secrets are dropped;
// so is binary data.
func projectedFiles(pod *corev1.Pod, volume *corev1.ProjectedVolumeSource, objects Objects, options Options) (map[string]string, error) {
	files := map[string]string{}
	for _, source := range volume.Sources {
		switch {
		case source.ServiceAccountToken != nil:
			files[source.ServiceAccountToken.Path] = token(pod, options.now().Time)
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
					continue // resources are not supported
				}
				if value, ok := projectedField(pod, item.FieldRef.FieldPath); ok {
					files[item.Path] = value
				}
			}
		}
	}
	return files, nil
}

// projectedField returns a field of the pod as a projected file has it. InterLink
// knows few of them, and ends labels and annotations with a newline.
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

// tokenLife is what InterLink asks for: its tokens are never renewed.
const tokenLife = 100 * 365 * 24 * time.Hour

// token has the shape of a service account's, and opens nothing.
func token(pod *corev1.Pod, now time.Time) string {
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // maps of strings and numbers always marshal
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return strings.Join([]string{
		part(map[string]string{"alg": "RS256", "kid": "SIMULATED"}),
		part(map[string]any{
			"aud": []string{"https://kubernetes.default.svc"},
			"iss": "https://kubernetes.default.svc",
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(tokenLife).Unix(),
			"sub": "system:serviceaccount:" + pod.Namespace + ":" + pod.Spec.ServiceAccountName,
		}),
		base64.RawURLEncoding.EncodeToString([]byte("no signature")),
	}, ".")
}
