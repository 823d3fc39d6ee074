package scenario

import (
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIVersion and Kind of the document that makes a file of manifests a scenario.
const (
	APIVersion = "sim.interlink.io/v1alpha1"
	Kind       = "Scenario"
)

// File is one scenario with the manifests that it is about.
type File struct {
	// Name is metadata.name of the document, else the file's name without .yaml.
	Name string
	// Path is where it was read from.
	Path string
	Scenario

	// The manifests, as a user applies them to the local cluster, in their order.
	// A namespace that is not said is "default".
	Pods       []corev1.Pod
	ConfigMaps []corev1.ConfigMap
	Secrets    []corev1.Secret
	Claims     []corev1.PersistentVolumeClaim

	index atomic.Pointer[index]
}

// Scenario is the spec of the document. Durations are in Go's form ("1m30s") and
// count from the moment that the remote pod exists, unless said otherwise.
type Scenario struct {
	// Description says in a sentence what the scenario shows.
	Description string `json:"description"`
	// VirtualKubelet configures the local side.
	VirtualKubelet VirtualKubelet `json:"virtualKubelet,omitempty"`
	// Plugin sets options of this plugin, as environment variables would
	// (OFFLOADING_UNSUPPORTED_VOLUMES: refuse). Another plugin cannot be told,
	// so such a scenario is not run against it.
	Plugin map[string]string `json:"plugin,omitempty"`
	// Site are claims that the remote site made beforehand, in the remote
	// namespace of the pods.
	Site Site `json:"site,omitempty"`
	// Nodes says, by pod name (or namespace/name, where two pods have one name;
	// so wherever a pod is named), what the simulated nodes do; a pod that is not
	// named starts each container after a second and ends it after another.
	Nodes map[string]Pod `json:"nodes,omitempty"`
	// Steps are what happens on the local side beside applying the pods at 0s
	// and deleting them at the end.
	Steps []Step `json:"steps,omitempty"`
	// Until is when pods that do not end by themselves are judged and deleted,
	// counted from the moment that they are applied. It must be said where the
	// last phase expected of a pod is not its end and no step deletes it.
	Until metav1.Duration `json:"until,omitempty"`
	// Expect is what must come of it.
	Expect Expect `json:"expect"`
}

// VirtualKubelet is the configuration of InterLink's virtual kubelet.
type VirtualKubelet struct {
	// SkipDownwardAPIResolution leaves $(VAR) and what cannot be resolved in place.
	SkipDownwardAPIResolution bool `json:"skipDownwardAPIResolution,omitempty"`
	// KubernetesAPI, host:port, makes it append the KUBERNETES_* variables.
	KubernetesAPI string `json:"kubernetesAPI,omitempty"`
}

// Site is what stands in the remote cluster beforehand.
type Site struct {
	// Claims are the names of persistent volume claims.
	Claims []string `json:"claims,omitempty"`
}

// Pod is what the simulated nodes do with a pod.
type Pod struct {
	// Schedule is the time until a node is found; the default is at once.
	Schedule metav1.Duration `json:"schedule,omitempty"`
	// Unschedulable are the scheduler's words while no node is found: until
	// Schedule has passed, or for ever if it is 0.
	Unschedulable string `json:"unschedulable,omitempty"`
	// Containers says, by name, what containers do; init containers too.
	Containers map[string]Container `json:"containers,omitempty"`
	// Events strike the pod as a whole.
	Events []Event `json:"events,omitempty"`
}

// Container is what a container does. The zero value starts after a second and
// ends after another with exit code 0; a native sidecar runs until the pod ends.
type Container struct {
	// Start is the time until it runs, once it is its turn, and of a native sidecar
	// until it has started; the default is 1s.
	Start *metav1.Duration `json:"start,omitempty"`
	// Run is how long it runs; the default is 1s, "0s" means until it is stopped.
	Run *metav1.Duration `json:"run,omitempty"`
	// ExitCodes are those of its runs, in order; the last one repeats. The
	// default is [0].
	ExitCodes []int32 `json:"exitCodes,omitempty"`
	// Reason of its ends; the default is Completed or Error. OOMKilled goes with
	// exit code 137.
	Reason string `json:"reason,omitempty"`
	// Message is its termination message.
	Message string `json:"message,omitempty"`
	// Signal that ended it.
	Signal int32 `json:"signal,omitempty"`
	// ImagePullError is the registry's words: the image cannot be pulled.
	ImagePullError string `json:"imagePullError,omitempty"`
	// CreateError is the kubelet's words: the container cannot be created
	// (CreateContainerConfigError).
	CreateError string `json:"createError,omitempty"`
	// StartupFails says that a native sidecar's startup probe never succeeds: it
	// runs, and nobody that comes after it starts.
	StartupFails bool `json:"startupFails,omitempty"`
	// Output are its lines: each run writes them all when it starts.
	Output []string `json:"output,omitempty"`
	// Outputs are those of its runs, in order; the last one repeats.
	Outputs [][]string `json:"outputs,omitempty"`
}

// Event strikes a pod at a time: exactly one of the others is said.
type Event struct {
	At metav1.Duration `json:"at"`
	// Evict ends the pod as the kubelet does under pressure, with a message.
	Evict string `json:"evict,omitempty"`
	// Delete deletes the remote pod behind the plugin's back.
	Delete bool `json:"delete,omitempty"`
	// LoseNode stops all news of the pod; the control plane then marks it as
	// NodeLost, fails it, and collects it after a while.
	LoseNode bool `json:"loseNode,omitempty"`
	// Deadline makes the pod's activeDeadlineSeconds pass. On real nodes the remote
	// pod's deadline is shortened; a pod without a deadline keeps running.
	Deadline bool `json:"deadline,omitempty"`
}

// Step is something that happens on the local side: exactly one of the others is
// said.
type Step struct {
	// At counts from the moment that the pods are applied.
	At metav1.Duration `json:"at"`
	// RestartVirtualKubelet restarts it: pods whose job ID it forgot are created
	// again, those that have one are not.
	RestartVirtualKubelet *Restart `json:"restartVirtualKubelet,omitempty"`
	// Create sends the create of this pod again.
	Create string `json:"create,omitempty"`
	// Delete deletes this pod, within its grace period.
	Delete string `json:"delete,omitempty"`
	// LoseDelete deletes this pod while the virtual kubelet is down: the plugin
	// is never told.
	LoseDelete string `json:"loseDelete,omitempty"`
}

// Restart is a restart of the virtual kubelet.
type Restart struct {
	// Forget are the pods whose job ID had not been stored yet.
	Forget []string `json:"forget,omitempty"`
}

// Expect is what must come of a scenario.
type Expect struct {
	// Pods, by name; a pod that is not named may do what it likes.
	Pods map[string]PodExpectation `json:"pods"`
	// Remote is what stands in the remote cluster once all pods are created, by
	// kind: the number of objects that carry the pods' UIDs, and of claims in
	// their remote namespaces. A kind that is not named is not looked at.
	Remote map[string]int `json:"remote,omitempty"`
	// Left is the same after all pods are deleted; of a kind that is not named
	// nothing must be left.
	Left map[string]int `json:"left,omitempty"`
}

// PodExpectation is what the local cluster must show of a pod.
type PodExpectation struct {
	// Phases in order, each once; a pod that is refused shows [Pending, Failed].
	Phases []corev1.PodPhase `json:"phases"`
	// Refused are words of the plugin's refusal.
	Refused string `json:"refused,omitempty"`
	// Containers and InitContainers, by name, at the end; those that are not
	// named may do what they like. Native sidecars are not shown.
	Containers     map[string]ContainerExpectation `json:"containers,omitempty"`
	InitContainers map[string]ContainerExpectation `json:"initContainers,omitempty"`
	// Env are variables, by container, that the remote container has.
	Env map[string]map[string]string `json:"env,omitempty"`
	// Files are what the remote container finds, by container and path.
	Files map[string]map[string]string `json:"files,omitempty"`
	// RemotePod is a part of the remote pod's manifest that must be there, with the
	// fields of a Pod. Items of a list that have a name are looked up by it; other
	// lists must be equal; null means that the field must be absent or empty.
	RemotePod map[string]any `json:"remotePod,omitempty"`
	// Logs are requests for logs at the end, and their answers.
	Logs []LogExpectation `json:"logs,omitempty"`
}

// ContainerExpectation is a container's final state. What is not said is not
// looked at.
type ContainerExpectation struct {
	// State is waiting, running or terminated.
	State        string `json:"state,omitempty"`
	Reason       string `json:"reason,omitempty"`  // A|B is either
	Message      string `json:"message,omitempty"` // words of it
	ExitCode     *int32 `json:"exitCode,omitempty"`
	RestartCount *int32 `json:"restartCount,omitempty"`
	// LastExitCode is that of the run before, as it was last shown: a kubelet forgets
	// it some time after the container's end.
	LastExitCode *int32 `json:"lastExitCode,omitempty"`
}

// LogExpectation is a request for a log, with kubectl's options, and the lines
// that it must answer.
type LogExpectation struct {
	Container  string   `json:"container,omitempty"`
	Tail       int64    `json:"tail,omitempty"`
	Bytes      int64    `json:"bytes,omitempty"`
	Timestamps bool     `json:"timestamps,omitempty"`
	Previous   bool     `json:"previous,omitempty"`
	Follow     bool     `json:"follow,omitempty"`
	Lines      []string `json:"lines"`
}
