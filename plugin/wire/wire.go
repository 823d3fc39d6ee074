package wire

import (
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// SessionHeader carries InterLink's name for a call ("CreatePod#1234"), so that
// it can be followed through all components' logs.
const SessionHeader = "Interlink-Http-Session"

// CreateRequest is the body of POST /create.
type CreateRequest struct {
	// Pod is the local pod, env resolved as far as the virtual kubelet is
	// configured to, without the containers that stay local.
	Pod corev1.Pod `json:"pod"`
	// Containers holds, for each init container and then each container, what
	// its mounts need.
	Containers []ContainerVolumes `json:"container"`
	// JobConfig and JobScript are for batch systems; this plugin ignores them.
	JobConfig json.RawMessage `json:"jobConfig,omitempty"`
	JobScript string          `json:"jobScript,omitempty"`
}

// ContainerVolumes holds the source objects of one container's mounts. The
// same object appears once for every mount of every container.
type ContainerVolumes struct {
	Name       string             `json:"name"`
	ConfigMaps []corev1.ConfigMap `json:"configMaps"`
	// ProjectedVolumeMaps hold the files of projected volumes: metadata.name is
	// the volume's name, the keys of data are paths. They carry tokens.
	ProjectedVolumeMaps []corev1.ConfigMap `json:"projectedvolumemaps"`
	Secrets             []corev1.Secret    `json:"secrets"`
	// EmptyDirs is always null today.
	EmptyDirs []string `json:"emptyDirs"`
	// PersistentVolumeClaims is known to InterLink's SDK but not sent today.
	PersistentVolumeClaims []corev1.PersistentVolumeClaim `json:"persistentVolumeClaims,omitempty"`
}

// CreateResponse is the answer to POST /create.
type CreateResponse struct {
	// PodUID is the local pod's UID.
	PodUID string `json:"PodUID"`
	// PodJID names the remote execution: the remote pod's UID.
	PodJID string `json:"PodJID"`
}

// PodStatus is one entry of the answer to GET /status.
type PodStatus struct {
	Name           string                   `json:"name"`
	UID            string                   `json:"UID"`
	Namespace      string                   `json:"namespace"`
	JID            string                   `json:"JID"`
	Containers     []corev1.ContainerStatus `json:"containers"`
	InitContainers []corev1.ContainerStatus `json:"initContainers"`
}

// LogRequest is the body of GET /getLogs.
type LogRequest struct {
	Namespace     string  `json:"Namespace"`
	PodUID        string  `json:"PodUID"`
	PodName       string  `json:"PodName"`
	ContainerName string  `json:"ContainerName"`
	Opts          LogOpts `json:"Opts"`
}

// LogOpts are the options of a log request; the zero value of each means that
// it was not asked for.
type LogOpts struct {
	// Tail is the number of lines from the end.
	Tail int64 `json:"Tail"`
	// Bytes limits the answer. An older SDK called it LimitBytes.
	Bytes        int64     `json:"Bytes"`
	LimitBytes   int64     `json:"LimitBytes,omitempty"`
	Timestamps   bool      `json:"Timestamps"`
	Follow       bool      `json:"Follow"`
	Previous     bool      `json:"Previous"`
	SinceSeconds int64     `json:"SinceSeconds"`
	SinceTime    time.Time `json:"SinceTime"`
}

// ErrorResponse is the body of every answer that is not a success.
type ErrorResponse struct {
	// Detail says in plain words what is wrong. InterLink shows it to the user.
	Detail string `json:"detail"`
}
