package virtualkubelet

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// CreateBody is the body of POST /create. It is wire.CreateRequest with the keys
// that InterLink always sends, null where empty.
type CreateBody struct {
	Pod        corev1.Pod         `json:"pod"`
	Containers []ContainerVolumes `json:"container"`
	JobConfig  json.RawMessage    `json:"jobConfig"`
}

// ContainerVolumes are the objects that a container mounts, one for each mount.
type ContainerVolumes struct {
	Name                string             `json:"name"`
	ConfigMaps          []corev1.ConfigMap `json:"configMaps"`
	ProjectedVolumeMaps []ProjectedMap     `json:"projectedvolumemaps"`
	Secrets             []corev1.Secret    `json:"secrets"`
	EmptyDirs           []string           `json:"emptyDirs"`
}

// ProjectedMap holds the files of a projected volume: a ConfigMap that never was.
type ProjectedMap struct {
	Metadata ProjectedMeta     `json:"metadata"`
	Data     map[string]string `json:"data,omitempty"`
}

// ProjectedMeta shows that InterLink is built with an older Kubernetes than this
// program, whose ConfigMap leaves out a time that is not set.
type ProjectedMeta struct {
	Name              string       `json:"name"`
	CreationTimestamp *metav1.Time `json:"creationTimestamp"`
}

// jobConfig is what InterLink sends where its configuration says nothing of
// batch systems.
const jobConfig = `{"SingularityHubProxy":{"server":"","master_token":"","cache_validity_seconds":0},` +
	`"ApptainerOptions":{"executable":"","fakeroot":false,"containall":false,"fuseMode":"","noInit":false,` +
	`"noHome":false,"noPrivs":false,"nvidiaSupport":false,"cleanenv":false,"unsquash":false},` +
	`"Volumes":{"scratch_area":"","apptainer_cachedir":"","image_dir":"","additional_directories_in_path":null,` +
	`"fuse_sleep_seconds":0}}`

// submitted returns the pod as the virtual kubelet keeps it from its create on.
func submitted(pod *corev1.Pod, options Options) *corev1.Pod {
	pod = pod.DeepCopy()
	initialized := corev1.ConditionTrue
	if len(pod.Spec.InitContainers) > 0 {
		initialized = corev1.ConditionFalse
	}
	pod.Status = madeUp(corev1.PodPending, initialized, corev1.ConditionTrue, options)
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "Remote pod submitted", Message: "The pod has been submitted to the remote plugin for creation",
			}},
		})
	}
	return pod
}

func madeUp(phase corev1.PodPhase, initialized, scheduled corev1.ConditionStatus, options Options) corev1.PodStatus {
	return corev1.PodStatus{
		Phase: phase, HostIP: options.podIP(), PodIP: options.podIP(), StartTime: ptr.To(options.now()),
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodInitialized, Status: initialized},
			{Type: corev1.PodReady, Status: corev1.ConditionFalse},
			{Type: corev1.PodScheduled, Status: scheduled},
		},
	}
}

// CreateRequest is the body that InterLink sends for an admitted pod. An error
// means that it never sends one, because something that the pod needs is missing.
func CreateRequest(pod *corev1.Pod, objects Objects, options Options) (*CreateBody, error) {
	pod = submitted(pod, options)
	pod.Spec.Containers = offloaded(pod.Spec.Containers, pod.Annotations[wire.AnnotationDisableContainers])
	pod.Spec.InitContainers = offloaded(pod.Spec.InitContainers, pod.Annotations[wire.AnnotationDisableInitContainers])
	volumes, err := gatherVolumes(pod, objects, options)
	if err != nil {
		return nil, err
	}
	if err := resolveEnv(pod, objects, options); err != nil {
		return nil, err
	}
	body := &CreateBody{Pod: *pod, JobConfig: json.RawMessage(jobConfig)}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		needs := ContainerVolumes{Name: c.Name}
		for _, mount := range c.VolumeMounts {
			has := volumes[mount.Name]
			needs.ConfigMaps = append(needs.ConfigMaps, has.ConfigMaps...)
			needs.ProjectedVolumeMaps = append(needs.ProjectedVolumeMaps, has.ProjectedVolumeMaps...)
			needs.Secrets = append(needs.Secrets, has.Secrets...)
		}
		body.Containers = append(body.Containers, needs)
	}
	return body, nil
}

// offloaded leaves out the containers that an annotation names.
func offloaded(containers []corev1.Container, annotation string) []corev1.Container {
	var kept []corev1.Container
	stays := strings.Split(annotation, ",")
	for _, c := range containers {
		if !slices.ContainsFunc(stays, func(name string) bool { return strings.TrimSpace(name) == c.Name }) {
			kept = append(kept, c)
		}
	}
	return kept
}

// StatusRequest is the body of GET /status for a pod as the virtual kubelet keeps
// it. Before create is answered there is no job ID.
func StatusRequest(pod *corev1.Pod, jobID string) []*corev1.Pod {
	return []*corev1.Pod{withJobID(pod, jobID)}
}

// PingRequest is the body of the ping, a GET /status too.
func PingRequest() []*corev1.Pod { return []*corev1.Pod{} }

func withJobID(pod *corev1.Pod, jobID string) *corev1.Pod {
	pod = pod.DeepCopy()
	if jobID == "" {
		return pod
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[wire.AnnotationJobID] = jobID
	return pod
}

// DeleteRequest is the body of POST /delete. That of a running pod comes at the
// start of its grace period; otherwise the local pod is gone already.
func DeleteRequest(pod *corev1.Pod, running bool, now time.Time) *corev1.Pod {
	pod = pod.DeepCopy()
	at := metav1.NewTime(now).Rfc3339Copy()
	if running {
		grace := ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
		pod.DeletionTimestamp = ptr.To(metav1.NewTime(at.Add(time.Duration(grace) * time.Second)))
		pod.DeletionGracePeriodSeconds = &grace
		pod.Generation++
	}
	// The virtual kubelet says so before anything has ended remotely.
	pod.Status.Reason = "VKProviderPodDeleted"
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			statuses[i].Ready = false
			statuses[i].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				Reason: "VKProviderPodContainerDeleted", Message: "VK provider terminated container upon deletion", FinishedAt: at,
			}}
		}
	}
	return pod
}

// LogRequest is the body of GET /getLogs.
func LogRequest(pod *corev1.Pod, container string, opts wire.LogOpts) wire.LogRequest {
	return wire.LogRequest{
		Namespace: pod.Namespace, PodUID: string(pod.UID), PodName: pod.Name, ContainerName: container, Opts: opts,
	}
}
