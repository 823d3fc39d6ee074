package interlink

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// CreateBody is the body of POST /create: wire.CreateRequest with the keys that
// InterLink always sends, null where they are empty.
type CreateBody struct {
	Pod        corev1.Pod         `json:"pod"`
	Containers []ContainerVolumes `json:"container"`
	JobConfig  json.RawMessage    `json:"jobConfig"`
}

// ContainerVolumes holds the objects that a container mounts, once for each mount
// (docs/contract.md, VOL-1).
type ContainerVolumes struct {
	Name                string             `json:"name"`
	ConfigMaps          []corev1.ConfigMap `json:"configMaps"`
	ProjectedVolumeMaps []ProjectedMap     `json:"projectedvolumemaps"`
	Secrets             []corev1.Secret    `json:"secrets"`
	EmptyDirs           []string           `json:"emptyDirs"`
}

// ProjectedMap holds the files of a projected volume in the form of a ConfigMap
// that does not exist (docs/contract.md, VOL-2).
type ProjectedMap struct {
	Metadata ProjectedMeta     `json:"metadata"`
	Data     map[string]string `json:"data,omitempty"`
}

// ProjectedMeta is the metadata of a ProjectedMap. InterLink is built with an older
// Kubernetes than this program, which writes an unset time as null; the ConfigMap
// of today leaves it out.
type ProjectedMeta struct {
	Name              string       `json:"name"`
	CreationTimestamp *metav1.Time `json:"creationTimestamp"`
}

// jobConfig is what InterLink sends when its configuration does not set up a batch
// system.
const jobConfig = `{"SingularityHubProxy":{"server":"","master_token":"","cache_validity_seconds":0},` +
	`"ApptainerOptions":{"executable":"","fakeroot":false,"containall":false,"fuseMode":"","noInit":false,` +
	`"noHome":false,"noPrivs":false,"nvidiaSupport":false,"cleanenv":false,"unsquash":false},` +
	`"Volumes":{"scratch_area":"","apptainer_cachedir":"","image_dir":"","additional_directories_in_path":null,` +
	`"fuse_sleep_seconds":0}}`

// CreateRequest returns the body that InterLink sends to create an admitted pod.
// An error means that InterLink never sends it, because an object that the pod
// needs is missing.
func CreateRequest(pod *corev1.Pod, objects Objects, options Options) (*CreateBody, error) {
	pod, volumes, err := resolve(pod, objects, options)
	if err != nil {
		return nil, err
	}
	body := &CreateBody{Pod: *pod, JobConfig: json.RawMessage(jobConfig)}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		mounted := ContainerVolumes{Name: c.Name}
		for _, mount := range c.VolumeMounts {
			volume := volumes[mount.Name]
			mounted.ConfigMaps = append(mounted.ConfigMaps, volume.ConfigMaps...)
			mounted.ProjectedVolumeMaps = append(mounted.ProjectedVolumeMaps, volume.ProjectedVolumeMaps...)
			mounted.Secrets = append(mounted.Secrets, volume.Secrets...)
		}
		body.Containers = append(body.Containers, mounted)
	}
	return body, nil
}

// resolve returns the pod as the virtual kubelet sends it, and the objects of its volumes.
func resolve(pod *corev1.Pod, objects Objects, options Options) (*corev1.Pod, map[string]ContainerVolumes, error) {
	pod = WithInitialStatus(pod, options)
	pod.Spec.Containers = offloaded(pod.Spec.Containers, pod.Annotations[wire.AnnotationDisableContainers])
	pod.Spec.InitContainers = offloaded(pod.Spec.InitContainers, pod.Annotations[wire.AnnotationDisableInitContainers])
	volumes, err := resolveVolumes(pod, objects, options)
	if err != nil {
		return nil, nil, err
	}
	if err := resolveVariables(pod, objects, options); err != nil {
		return nil, nil, err
	}
	return pod, volumes, nil
}

// offloaded leaves out the containers that an annotation names (docs/contract.md,
// CREATE-13).
func offloaded(containers []corev1.Container, annotation string) []corev1.Container {
	var remote []corev1.Container
	local := strings.Split(annotation, ",")
	for _, c := range containers {
		if !slices.ContainsFunc(local, func(name string) bool { return strings.TrimSpace(name) == c.Name }) {
			remote = append(remote, c)
		}
	}
	return remote
}
