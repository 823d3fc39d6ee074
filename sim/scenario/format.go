package scenario

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIVersion and Kind of the document that makes a file of manifests a scenario.
const (
	APIVersion = "sim.interlink.io/v1alpha1"
	Kind       = "Scenario"
)

// LabelScenario is the label of the remote node that a scenario creates; its value is the name of
// the scenario. With it in a node selector, the nodes of other scenarios on the same cluster do not
// count.
const LabelScenario = "sim.interlink.io/scenario"

// document is the Scenario document of a file.
type document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name,omitempty"`
	} `json:"metadata,omitempty"`
	Spec Scenario `json:"spec"`
}

// Scenario is the spec of the document. Durations have Go's form ("1m30s") and
// count from the creation of the remote pod, unless the field says otherwise.
type Scenario struct {
	// Description says in one sentence what the scenario shows.
	Description string `json:"description"`
	// Level says which plugins the scenario judges; the default is this-plugin.
	Level Level `json:"level,omitempty"`
	// Capabilities are those that a plugin must have for a scenario of the level optional.
	Capabilities []Capability `json:"capabilities,omitempty"`
	// Observe lists what must be observed for a verdict; the default follows from what is
	// expected.
	Observe []Aspect `json:"observe,omitempty"`
	// VirtualKubelet configures the local side.
	VirtualKubelet VirtualKubelet `json:"virtualKubelet,omitempty"`
	// Plugin sets options of this plugin, as environment variables do
	// (OFFLOADING_UNSUPPORTED_VOLUMES: refuse). Another plugin does not know them, so
	// such a scenario is not played against it.
	Plugin map[string]string `json:"plugin,omitempty"`
	// NamespaceTemplate has the manifests that this plugin creates in each remote namespace
	// that it creates: the content of the file of its option namespace_template.
	NamespaceTemplate string `json:"namespaceTemplate,omitempty"`
	// RemoteSetup is the remote cluster before the scenario begins.
	RemoteSetup RemoteSetup `json:"remoteSetup,omitempty"`
	// Nodes says for each pod what the simulated nodes do. The key is the pod's name,
	// or namespace/name if several pods have this name; this holds for all keys of
	// pods. Each container of a pod that is not listed starts after one second and
	// ends after another.
	Nodes map[string]Pod `json:"nodes,omitempty"`
	// Steps are what happens on the local side, in addition to applying the pods at
	// 0s and deleting them at the end.
	Steps []Step `json:"steps,omitempty"`
	// CreateAfter is how long the virtual kubelet sends nothing, after a ping, before it
	// creates the pods. The scenario's times count from the creates.
	CreateAfter metav1.Duration `json:"createAfter,omitempty"`
	// PollAtOnce sends a status call for each pod when all creates are answered. Against a plugin
	// with an address no other call comes within a second after the create, since its
	// answer depends on chance.
	PollAtOnce bool `json:"pollAtOnce,omitempty"`
	// Until is when pods that do not end by themselves are compared and deleted,
	// counted from when the pods are applied. It is required for a pod whose last
	// expected phase is not an end, unless a step deletes the pod.
	Until metav1.Duration `json:"until,omitempty"`
	// Expect is the expected result.
	Expect Expect `json:"expect"`
}

// VirtualKubelet is the configuration of InterLink's virtual kubelet.
type VirtualKubelet struct {
	// SkipDownwardAPIResolution leaves $(VAR) and all that cannot be resolved as it
	// is.
	SkipDownwardAPIResolution bool `json:"skipDownwardAPIResolution,omitempty"`
	// DisableProjectedVolumes sends no files of projected volumes, as InterLink's
	// installer configures it.
	DisableProjectedVolumes bool `json:"disableProjectedVolumes,omitempty"`
	// KubernetesAPI is the host:port of the local API server. It adds the variables
	// KUBERNETES_* to every container.
	KubernetesAPI string `json:"kubernetesAPI,omitempty"`
}

// RemoteSetup is the remote cluster before the scenario begins.
type RemoteSetup struct {
	// Claims are names of PersistentVolumeClaims in the remote namespaces of the pods.
	Claims []string `json:"claims,omitempty"`
	// MadeBy is the installation of this plugin that made the claims, or, without claims, the
	// remote namespaces; MadeFor is the local namespace for whose pods. Without both, they
	// belong to the site.
	MadeBy  string `json:"madeBy,omitempty"`
	MadeFor string `json:"madeFor,omitempty"`
	// Quota has the hard limits of a ResourceQuota in the remote namespaces of the pods
	// ({pods: "1"}).
	Quota map[string]string `json:"quota,omitempty"`
	// RuntimeClasses are names of RuntimeClasses that the remote cluster has. Those that it
	// does not have are created, with the handler runc.
	RuntimeClasses []string `json:"runtimeClasses,omitempty"`
	// OtherPodUntil is how long another pod, which is not the plugin's, exists in these
	// namespaces. It counts from when the pods are applied. With Node, the pod is on that node.
	OtherPodUntil metav1.Duration `json:"otherPodUntil,omitempty"`
	// OtherPodRequests are the requests and limits of that pod ({cpu: "1"}).
	OtherPodRequests map[string]string `json:"otherPodRequests,omitempty"`
	// SlowCreates says by kind, ConfigMap or Secret, when the remote API server creates
	// the first objects that the plugin sends. It counts from when the pods are applied.
	SlowCreates map[string]metav1.Duration `json:"slowCreates,omitempty"`
	// Node has the allocatable resources of one more remote node ({example.com/gpu: "4"}), which is
	// Ready and has the label LabelScenario.
	Node map[string]string `json:"node,omitempty"`
}

// Pod is what the simulated nodes do with a pod.
type Pod struct {
	// Schedule is the time until the pod is scheduled; the default is 0s.
	Schedule metav1.Duration `json:"schedule,omitempty"`
	// Unschedulable is the message of the scheduler while it finds no node: until
	// Schedule has passed, or for ever if Schedule is 0.
	Unschedulable string `json:"unschedulable,omitempty"`
	// Containers says what containers and init containers do, by name.
	Containers map[string]Container `json:"containers,omitempty"`
	// Events happen to the pod as a whole.
	Events []Event `json:"events,omitempty"`
}

// Container is what a container does. The zero value starts after one second and
// ends after another with exit code 0; a native sidecar runs until the pod ends.
type Container struct {
	// Injected says that the pod's manifest does not have this container: the plugin
	// adds it to the remote pod.
	Injected bool `json:"injected,omitempty"`
	// Start is the time that the container takes to start, counted from its turn; for
	// a native sidecar, until its startup probe succeeds. The default is 1s.
	Start *metav1.Duration `json:"start,omitempty"`
	// Run is how long each run takes; the default is 1s, "0s" means until the
	// container is stopped.
	Run *metav1.Duration `json:"run,omitempty"`
	// ExitCodes are the exit codes of the runs, in order; the last one repeats. The
	// default is [0].
	ExitCodes []int32 `json:"exitCodes,omitempty"`
	// Reason is the reason of each end; the default is Completed or Error. OOMKilled
	// requires exit code 137.
	Reason string `json:"reason,omitempty"`
	// Message is the termination message.
	Message string `json:"message,omitempty"`
	// Signal is the number of the signal that ends the container.
	Signal int32 `json:"signal,omitempty"`
	// ImagePullError is the message of the registry: the image cannot be pulled.
	ImagePullError string `json:"imagePullError,omitempty"`
	// CreateError is the message of the kubelet: the container cannot be created
	// (CreateContainerConfigError).
	CreateError string `json:"createError,omitempty"`
	// StartupFails says that the startup probe of a native sidecar never succeeds: the
	// sidecar runs, but the containers after it do not start.
	StartupFails bool `json:"startupFails,omitempty"`
	// Output are the lines that each run writes when it starts.
	Output []string `json:"output,omitempty"`
	// Outputs are the lines of each run, in order; the last list repeats.
	Outputs [][]string `json:"outputs,omitempty"`
}

// Event happens to a pod. Exactly one field besides At is set.
type Event struct {
	At metav1.Duration `json:"at"`
	// Evict is the message of an eviction by the kubelet.
	Evict string `json:"evict,omitempty"`
	// Delete deletes the remote pod without the plugin.
	Delete bool `json:"delete,omitempty"`
	// LoseNode disconnects the pod's node: the control plane marks the pod as
	// NodeLost, fails it, and deletes it after a while.
	LoseNode bool `json:"loseNode,omitempty"`
	// Deadline makes the pod's activeDeadlineSeconds pass. On real nodes the deadline
	// of the remote pod is shortened. A pod without a deadline keeps running.
	Deadline bool `json:"deadline,omitempty"`
}

// Step happens on the local side. Exactly one field besides At is set.
type Step struct {
	// At counts from when the pods are applied.
	At metav1.Duration `json:"at"`
	// RestartVirtualKubelet restarts it: it creates again the pods whose job ID it
	// forgot.
	RestartVirtualKubelet *Restart `json:"restartVirtualKubelet,omitempty"`
	// RestartPlugin restarts the plugin. It cannot happen while the pods are created.
	RestartPlugin *PluginRestart `json:"restartPlugin,omitempty"`
	// Node has the allocatable resources that the node of RemoteSetup has from now on.
	Node map[string]string `json:"node,omitempty"`
	// Create names a pod whose create is sent again.
	Create string `json:"create,omitempty"`
	// Delete names a pod that is deleted, with its grace period.
	Delete string `json:"delete,omitempty"`
	// Recreate names a pod that is deleted, and created again with the same name and another
	// UID, as a StatefulSet does. Phases, containers and logs are then expected of the second
	// pod, all else of the first one.
	Recreate string `json:"recreate,omitempty"`
	// DeleteUnreported names a pod that is deleted while the virtual kubelet is down: the
	// plugin receives no delete.
	DeleteUnreported string `json:"deleteUnreported,omitempty"`
}

// Restart is a restart of the virtual kubelet.
type Restart struct {
	// Forget names the pods whose job ID was not stored before the restart.
	Forget []string `json:"forget,omitempty"`
}

// PluginRestart is a restart of the plugin. It has no fields.
type PluginRestart struct{}

// Expect is the expected result of a scenario.
type Expect struct {
	// Pods is the expectation for each pod; a pod that is not listed is not checked.
	Pods map[string]PodExpectation `json:"pods"`
	// Remote is the number of remote objects of each kind when all pods are created:
	// objects that carry the UIDs of the pods, and claims in the remote namespaces of
	// the pods. A kind that is not listed is not checked.
	Remote map[string]int `json:"remote,omitempty"`
	// Left is the same after all pods are deleted. No object of a kind that is not
	// listed may remain.
	Left map[string]int `json:"left,omitempty"`
	// VirtualNode has quantities by resource: what the virtual node shows when the node or the quota of
	// RemoteSetup exists, and then after each step that changes the node, and after the end of the other pod.
	VirtualNode map[string][]string `json:"virtualNode,omitempty"`
}

// PodExpectation is what the local cluster must show of a pod.
type PodExpectation struct {
	// Phases are all phases in order. A refused pod shows [Pending, Failed].
	Phases []corev1.PodPhase `json:"phases"`
	// OtherPhases are lists of phases that are as right, if another plugin shows them.
	OtherPhases [][]corev1.PodPhase `json:"otherPhases,omitempty"`
	// MayRefuse says that another plugin may refuse the pod at once, in words, since it can
	// never run. Nothing else is then expected of the pod.
	MayRefuse bool `json:"mayRefuse,omitempty"`
	// Refused is a part of the plugin's error text.
	Refused string `json:"refused,omitempty"`
	// Containers and InitContainers are the states at the end, by name; a container
	// that is not listed is not checked. InterLink does not show native sidecars.
	Containers     map[string]ContainerExpectation `json:"containers,omitempty"`
	InitContainers map[string]ContainerExpectation `json:"initContainers,omitempty"`
	// Env are variables of the remote containers, by container.
	Env map[string]map[string]string `json:"env,omitempty"`
	// NoEnv are variables that must not be set in the remote containers, by container.
	NoEnv map[string][]string `json:"noEnv,omitempty"`
	// Files are contents of files in the remote containers, by container and path.
	Files map[string]map[string]string `json:"files,omitempty"`
	// NoFiles are paths that must not exist in the remote containers, by container.
	NoFiles map[string][]string `json:"noFiles,omitempty"`
	// RemotePod is a part of the remote pod's manifest, with the fields of a Pod. List
	// items that have a name are found by it; other lists must be equal; null means
	// that the field is absent or empty.
	RemotePod map[string]any `json:"remotePod,omitempty"`
	// Logs are requests for logs at the end, with their answers.
	Logs []LogExpectation `json:"logs,omitempty"`
}

// ContainerExpectation is the last state of a container. A field that is not set is
// not checked.
type ContainerExpectation struct {
	// State is waiting, running or terminated.
	State        string `json:"state,omitempty"`
	Reason       string `json:"reason,omitempty"`  // A|B allows both
	Message      string `json:"message,omitempty"` // a part of the message
	ExitCode     *int32 `json:"exitCode,omitempty"`
	RestartCount *int32 `json:"restartCount,omitempty"`
	// LastExitCode is the exit code of the previous run, as it was shown last: a
	// kubelet forgets it some time after the container has ended.
	LastExitCode *int32 `json:"lastExitCode,omitempty"`
}

// LogExpectation is a request for a log with kubectl's options, and the lines of
// the answer.
type LogExpectation struct {
	Container    string   `json:"container,omitempty"`
	Tail         int64    `json:"tail,omitempty"`
	Bytes        int64    `json:"bytes,omitempty"`
	SinceSeconds int64    `json:"sinceSeconds,omitempty"`
	Timestamps   bool     `json:"timestamps,omitempty"`
	Previous     bool     `json:"previous,omitempty"`
	Follow       bool     `json:"follow,omitempty"`
	Lines        []string `json:"lines"`
}
