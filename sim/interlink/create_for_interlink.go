package interlink

import (
	corev1 "k8s.io/api/core/v1"
)

// CreateBodyForInterLink is the body of POST /create that the virtual kubelet sends to the InterLink
// API server, which makes a CreateBody of it. Lists are null where they are empty.
type CreateBodyForInterLink struct {
	Pod                 corev1.Pod         `json:"pod"`
	ConfigMaps          []corev1.ConfigMap `json:"configmaps"`
	Secrets             []corev1.Secret    `json:"secrets"`
	ProjectedVolumeMaps []ProjectedMap     `json:"projectedvolumesmaps"`
	// JobScriptURL asks for a script for a batch system; this virtual kubelet never does.
	JobScriptURL string `json:"jobscriptURL"`
}

// CreateForInterLink returns the body that the virtual kubelet sends to the InterLink API
// server to create an admitted pod: the objects of each volume once, mounted or not. An
// error means the same as that of CreateRequest.
func CreateForInterLink(pod *corev1.Pod, objects Objects, options Options) (*CreateBodyForInterLink, error) {
	pod, volumes, err := resolve(pod, objects, options)
	if err != nil {
		return nil, err
	}
	body := &CreateBodyForInterLink{Pod: *pod}
	for i := range pod.Spec.Volumes {
		volume := volumes[pod.Spec.Volumes[i].Name]
		body.ConfigMaps = append(body.ConfigMaps, volume.ConfigMaps...)
		body.Secrets = append(body.Secrets, volume.Secrets...)
		body.ProjectedVolumeMaps = append(body.ProjectedVolumeMaps, volume.ProjectedVolumeMaps...)
	}
	return body, nil
}
