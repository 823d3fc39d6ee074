package config

// PodSecurity is a level of the Pod Security Standards:
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
type PodSecurity string

// The levels.
const (
	PodSecurityBaseline   PodSecurity = "baseline"
	PodSecurityRestricted PodSecurity = "restricted"
	PodSecurityPrivileged PodSecurity = "privileged"
)

// TokenPolicy says what happens to the tokens of local service accounts that pods mount.
type TokenPolicy string

const (
	// CarryTokens copies them to the remote cluster.
	CarryTokens TokenPolicy = "carry"
	// DropTokens leaves them out.
	DropTokens TokenPolicy = "drop"
)

// VariableMode says whether the virtual kubelet has resolved the variables of pods
// (docs/contract.md, ENV-1).
type VariableMode string

const (
	// VariablesAuto decides for each pod.
	VariablesAuto VariableMode = "auto"
	// VariablesResolved takes all values as resolved.
	VariablesResolved VariableMode = "resolved"
	// VariablesUnresolved takes all values as the user wrote them.
	VariablesUnresolved VariableMode = "unresolved"
)

// LabelPolicy says what happens to the labels of users in remote namespaces that the
// plugin did not create.
type LabelPolicy string

const (
	// PrefixLabels gives them a prefix, so that no selector of the remote cluster matches.
	PrefixLabels LabelPolicy = "prefix"
	// CarryLabels keeps them.
	CarryLabels LabelPolicy = "carry"
)

// MeshOffPolicy says what happens to a pod that asks for a mesh if meshes are off.
type MeshOffPolicy string

const (
	// RefuseMesh refuses the pod.
	RefuseMesh MeshOffPolicy = "refuse"
	// RunWithoutMesh runs the pod without the mesh.
	RunWithoutMesh MeshOffPolicy = "run"
)

// MeshScripts says which mesh scripts run in the remote cluster.
type MeshScripts string

const (
	// KnownScripts runs the plugin's own script, with values of the pod's script.
	KnownScripts MeshScripts = "known"
	// AnyScript runs the pod's script.
	AnyScript MeshScripts = "any"
)

// PodIPSource says which address of a pod with a mesh its variables from status.podIP have.
type PodIPSource string

const (
	// RemotePodIP is the address of the remote pod.
	RemotePodIP PodIPSource = "remote"
	// OverlayPodIP is the address at which the local cluster reaches the pod.
	OverlayPodIP PodIPSource = "overlay"
)

// droppedMetadata are the labels and annotations that remote pods do not get by default:
// controllers of the remote cluster would adopt, count, queue or change a pod that has them.
var droppedMetadata = []string{
	"pod-template-hash", "controller-revision-hash", "controller-uid", "job-name",
	"batch.kubernetes.io/*", "apps.kubernetes.io/*", "statefulset.kubernetes.io/*", "jobset.sigs.k8s.io/*",
	"kueue.x-k8s.io/*", "scheduling.k8s.io/*", "scheduling.x-k8s.io/*", "scheduling.volcano.sh/*", "k8s.v1.cni.cncf.io/*", "v1.multus-cni.io/*", "openshift.io/scc",
	// These give a pod an identity of the remote site, or a container that it did not ask for.
	"iam.amazonaws.com/*", "azure.workload.identity/*", "vault.hashicorp.com/*", "sidecar.istio.io/*", "io.kubernetes.cri-o.*",
}

// virtualNode are the labels and taints that InterLink gives every virtual node, and those
// that each node of a cluster has.
var virtualNode = []string{
	"virtual-node.interlink/*", "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "kubernetes.io/role", "type",
	"beta.kubernetes.io/os", "beta.kubernetes.io/arch",
}

// QuotaPolicy says what the plugin does with a pod that a ResourceQuota of the remote
// cluster refuses, though it would fit into an empty quota.
type QuotaPolicy string

const (
	// WaitForQuota accepts the pod, and creates it when the quota permits it.
	WaitForQuota QuotaPolicy = "wait"
	// FailOverQuota lets the create fail.
	FailOverQuota QuotaPolicy = "fail"
)

// ReportResources says what the ping says that the virtual node offers.
type ReportResources string

const (
	// ReportNothing says nothing about resources, other than NodePods.
	ReportNothing ReportResources = "off"
	// ReportNodes offers what nodes have that other pods do not use.
	ReportNodes ReportResources = "nodes"
	// ReportQuota offers what the quotas of the installation's namespaces permit.
	ReportQuota ReportResources = "quota"
)

// OrphanPolicy says what the plugin does with remote pods and objects that no request will
// delete.
type OrphanPolicy string

const (
	// DeleteOrphans deletes them.
	DeleteOrphans OrphanPolicy = "delete"
	// ReportOrphans marks and reports them.
	ReportOrphans OrphanPolicy = "report"
)

// VolumePolicy says what the plugin does with a pod that mounts a volume that it
// cannot offload.
type VolumePolicy string

const (
	// DropVolumes drops such volumes and their mounts, with a warning.
	DropVolumes VolumePolicy = "drop"
	// RefuseClaims refuses a pod that mounts a claim that cannot be offloaded, since its
	// results would be lost, and drops other volumes with a warning.
	RefuseClaims VolumePolicy = "refuse_claims"
	// RefuseVolumes refuses the pod; the error names the volumes.
	RefuseVolumes VolumePolicy = "refuse"
)
