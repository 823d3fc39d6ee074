package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// RequestedFields are the fields of a requested pod that the plugin reads in order to
// report its status: those that [Of] reads, and those that identify the pod and its virtual
// node. A server
// decodes only these of the JSON of a v1.Pod, which takes a fraction of the time that a
// whole pod takes.
//
// Annotations and the job ID are pointers, because a later null deletes an earlier
// value, as in a map.
type RequestedFields struct {
	Metadata struct {
		Name        string                `json:"name"`
		Namespace   string                `json:"namespace"`
		UID         types.UID             `json:"uid"`
		Annotations *requestedAnnotations `json:"annotations"`
		// DeletionTimestamp is set if the user has deleted the pod.
		DeletionTimestamp *metav1.Time `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec struct {
		NodeName       string               `json:"nodeName"`
		InitContainers []requestedContainer `json:"initContainers"`
		Containers     []requestedContainer `json:"containers"`
	} `json:"spec"`
	Status struct {
		ContainerStatuses []requestedStatus `json:"containerStatuses"`
	} `json:"status"`
}

// requestedAnnotations are keys of a map: they do not match in another case.
type requestedAnnotations struct {
	JobID                 *string `json:"JobID,case:strict"`
	DisableContainers     *string `json:"interlink.eu/disable-offload-containers,case:strict"`
	DisableInitContainers *string `json:"interlink.eu/disable-offload-init-containers,case:strict"`
}

type requestedContainer struct {
	Name          string                         `json:"name"`
	Image         string                         `json:"image"`
	RestartPolicy *corev1.ContainerRestartPolicy `json:"restartPolicy"`
}

type requestedStatus struct {
	Name  string `json:"name"`
	State struct {
		Terminated *struct{} `json:"terminated"`
	} `json:"state"`
}

// Pod returns the pod with these fields, and no others.
func (f *RequestedFields) Pod() corev1.Pod {
	var pod corev1.Pod
	pod.Name, pod.Namespace, pod.UID = f.Metadata.Name, f.Metadata.Namespace, f.Metadata.UID
	pod.DeletionTimestamp = f.Metadata.DeletionTimestamp
	if annotations := f.Metadata.Annotations; annotations != nil {
		pod.Annotations = map[string]string{}
		set := func(key string, value *string) {
			if value != nil {
				pod.Annotations[key] = *value
			}
		}
		set(wire.AnnotationJobID, annotations.JobID)
		set(wire.AnnotationDisableContainers, annotations.DisableContainers)
		set(wire.AnnotationDisableInitContainers, annotations.DisableInitContainers)
	}
	pod.Spec.NodeName = f.Spec.NodeName
	pod.Spec.InitContainers = requestedContainers(f.Spec.InitContainers)
	pod.Spec.Containers = requestedContainers(f.Spec.Containers)
	if len(f.Status.ContainerStatuses) > 0 {
		pod.Status.ContainerStatuses = make([]corev1.ContainerStatus, len(f.Status.ContainerStatuses))
	}
	for i, s := range f.Status.ContainerStatuses {
		status := &pod.Status.ContainerStatuses[i]
		status.Name = s.Name
		if s.State.Terminated != nil {
			status.State.Terminated = &corev1.ContainerStateTerminated{}
		}
	}
	return pod
}

func requestedContainers(fields []requestedContainer) []corev1.Container {
	if len(fields) == 0 {
		return nil
	}
	containers := make([]corev1.Container, len(fields))
	for i, c := range fields {
		containers[i] = corev1.Container{Name: c.Name, Image: c.Image, RestartPolicy: c.RestartPolicy}
	}
	return containers
}
