package wire

import (
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// SessionHeader is the header with InterLink's name for a call, such as
// "CreatePod#1234". All components log it (docs/contract.md, HTTP-4).
const SessionHeader = "Interlink-Http-Session"

// CreateRequest is the body of POST /create (docs/contract.md, CREATE-2).
type CreateRequest struct {
	// Pod is the local pod without the containers that stay local (CREATE-13). Its
	// variables are resolved as the virtual kubelet is configured to do it (ENV-1).
	Pod corev1.Pod `json:"pod"`
	// Containers lists the objects that the mounts of each init container, and then
	// of each container, need (CREATE-12).
	Containers []ContainerVolumes `json:"container"`
	// JobConfig and JobScript are for batch systems. The plugin ignores them.
	JobConfig json.RawMessage `json:"jobConfig,omitempty"`
	JobScript string          `json:"jobScript,omitempty"`
	// Original lists variables of the containers as the user wrote them. InterLink does not
	// send it: the plugin takes it from a status request (STATUS-3, ENV-17) and keeps it in
	// the stored request of a pod that waits.
	Original []OriginalContainer `json:"original,omitempty"`
}

// OriginalContainer holds variables of a container as the user wrote them.
type OriginalContainer struct {
	Name string          `json:"name"`
	Env  []corev1.EnvVar `json:"env,omitempty"`
}

// ContainerVolumes holds the objects that the mounts of one container need. The same
// object appears once for every mount of every container (docs/contract.md, VOL-1).
type ContainerVolumes struct {
	Name       string             `json:"name"`
	ConfigMaps []corev1.ConfigMap `json:"configMaps"`
	// ProjectedVolumeMaps hold the files of projected volumes: metadata.name is the
	// name of the volume, and the keys of data are paths (VOL-2). They hold tokens
	// (VOL-3).
	ProjectedVolumeMaps []corev1.ConfigMap `json:"projectedvolumemaps"`
	Secrets             []corev1.Secret    `json:"secrets"`
	// EmptyDirs is always null (CREATE-12).
	EmptyDirs []string `json:"emptyDirs"`
	// PersistentVolumeClaims is in InterLink's SDK, but InterLink does not send it
	// (VOL-6).
	PersistentVolumeClaims []corev1.PersistentVolumeClaim `json:"persistentVolumeClaims,omitempty"`
}

// CreateResponse is the answer to POST /create (docs/contract.md, CREATE-3).
type CreateResponse struct {
	// PodUID is the local pod's UID.
	PodUID string `json:"PodUID"`
	// PodJID is the job ID: the name of the remote pod.
	PodJID string `json:"PodJID"`
}

// PodStatus is one entry of the answer to GET /status (docs/contract.md, STATUS-6).
type PodStatus struct {
	Name           string                   `json:"name"`
	UID            string                   `json:"UID"`
	Namespace      string                   `json:"namespace"`
	JID            string                   `json:"JID"`
	Containers     []corev1.ContainerStatus `json:"containers"`
	InitContainers []corev1.ContainerStatus `json:"initContainers"`
}

// LogRequest is the body of GET /getLogs (docs/contract.md, LOGS-1).
type LogRequest struct {
	Namespace     string  `json:"Namespace"`
	PodUID        string  `json:"PodUID"`
	PodName       string  `json:"PodName"`
	ContainerName string  `json:"ContainerName"`
	Opts          LogOpts `json:"Opts"`
}

// LogOpts are the options of a log request. The zero value means that the user did not
// set the option.
type LogOpts struct {
	// Tail is the number of lines to show from the end of the log.
	Tail int64 `json:"Tail"`
	// Bytes is the maximum size of the answer. An older SDK calls it LimitBytes
	// (LOGS-2).
	Bytes        int64     `json:"Bytes"`
	LimitBytes   int64     `json:"LimitBytes,omitempty"`
	Timestamps   bool      `json:"Timestamps"`
	Follow       bool      `json:"Follow"`
	Previous     bool      `json:"Previous"`
	SinceSeconds int64     `json:"SinceSeconds"`
	SinceTime    time.Time `json:"SinceTime"`
}

// ErrorResponse is the body of every answer that reports an error.
type ErrorResponse struct {
	// Detail says what is wrong, in plain words. InterLink shows it to the user
	// (docs/contract.md, CREATE-5).
	Detail string `json:"detail"`
}
