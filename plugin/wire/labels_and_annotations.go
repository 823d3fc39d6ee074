package wire

// Labels on every remote object.
const (
	// LabelOffloading marks each object that an InterLink plugin creates in the
	// remote cluster. Its value is always [Offloading].
	LabelOffloading = "interlink.io"
	// Offloading is the value of [LabelOffloading].
	Offloading = "offloading"
	// LabelPodUID holds the UID of the local pod that the object belongs to.
	// Claims and namespaces outlive pods and do not carry it.
	LabelPodUID = "interlink.io/source.pod_uid"
	// LabelAttempt is on the objects of earlier versions of the plugin: it held the
	// create call that created the object. Pods with this label do not own the objects
	// that they need.
	LabelAttempt = "interlink.io/attempt"
	// LabelTunnelUID holds the UID of the local pod that a tunnel is for. The
	// objects of a tunnel carry neither of the labels above: they belong to a
	// Helm release.
	LabelTunnelUID = "interlink.io/tunnel.pod_uid"
	// LabelInstance holds the plugin installation that owns the object.
	LabelInstance = "interlink.io/instance"
)

// LabelServicePrefix begins the labels of a remote pod that say which names it uses: the name of a
// Service follows, which selects the pod.
const LabelServicePrefix = "service.interlink.io/"

// AnnotationService on a local pod holds the name of a remote Service that the pod belongs to,
// and maybe its ports: NAME or NAME:PORT,PORT.
const AnnotationService = "interlink.io/service"

// LabelNamespaceTemplate is on the objects of a namespace template, and holds its hash. They
// carry none of the labels above: they belong to the namespace, and stay.
const LabelNamespaceTemplate = "interlink.io/namespace-template"

// LabelEnforce on a namespace holds the Pod Security Standard that the API server enforces:
// https://kubernetes.io/docs/concepts/security/pod-security-admission/
const LabelEnforce = "pod-security.kubernetes.io/enforce"

// Annotations on every remote object that mirrors a local one.
const (
	AnnotationSourceUID       = "interlink.io/source.uid"
	AnnotationSourceName      = "interlink.io/source.name"
	AnnotationSourceNamespace = "interlink.io/source.namespace"
)

// AnnotationSourceNode on a remote pod holds the name of the virtual node that sent it. A
// pod of an earlier version does not have it.
const AnnotationSourceNode = "interlink.io/source.node"

// AnnotationLogContainer on a remote pod names the container of the local pod whose log is
// meant if a log request names none: the remote cluster may have added containers, also
// before those of the user. A pod of an earlier version does not have it.
const AnnotationLogContainer = "interlink.io/log-container"

// AnnotationUnaskedSince on a remote pod says since when its virtual node asks about other
// pods, and not about this one. A pod that keeps it is deleted (plugin/orphans).
const AnnotationUnaskedSince = "interlink.io/unasked-since"

// AnnotationOwned on a remote pod lists, separated by commas, the objects that the
// pod owns, each as "<resource>/<name>". A pod without it, of an earlier version or of
// the Python plugin, owns nothing.
const AnnotationOwned = "interlink.io/owned"

// AnnotationCreatedAgain on a remote pod says that a create found the pod before it had
// started, and completes it. The rollback of the create that made the pod keeps it.
const AnnotationCreatedAgain = "interlink.io/created-again"

// LabelStoredRequest is on the Secret with the stored create request of a local pod, and
// on the ConfigMap that marks it; it holds the UID of the local pod. These objects belong
// to a pod that a ResourceQuota of the remote cluster keeps waiting, and that does not
// exist yet, so they do not carry [LabelPodUID].
const LabelStoredRequest = "interlink.io/stored-request"

// AnnotationFromStoredRequest on a remote pod says that the plugin created it from a stored
// request, which may still exist.
const AnnotationFromStoredRequest = "interlink.io/from-stored-request"

// Annotations on the ConfigMap that marks a stored create request.
const (
	// AnnotationWaitingSince holds the time of the create.
	AnnotationWaitingSince = "interlink.io/waiting-since"
	// AnnotationRefusal holds why the pod does not exist yet, in the words of the remote API
	// server.
	AnnotationRefusal = "interlink.io/refusal"
	// AnnotationWaitingClaims holds the names of the persistent volume claims that the pod
	// uses, separated by commas.
	AnnotationWaitingClaims = "interlink.io/waiting-claims"
	// AnnotationHolder names the replica of the plugin that creates the pod.
	AnnotationHolder = "interlink.io/claimed-by"
	// AnnotationWaitEnded holds why the pod will never be created: [WaitEndedByDelete], or
	// an error.
	AnnotationWaitEnded = "interlink.io/wait-ended"
	// WaitEndedByDelete is the value of [AnnotationWaitEnded] after a delete of the local pod.
	WaitEndedByDelete = "deleted"
)

// AnnotationCreatedBy on a remote pod is a random name of the create call that created
// the pod. A create that fails deletes only the pod that it created itself.
const AnnotationCreatedBy = "interlink.io/created-by"

// Annotations that the plugin writes for people and for itself.
const (
	// AnnotationWarnings on a remote pod holds what of the local pod could not be carried
	// over, one warning a line.
	AnnotationWarnings = "interlink.io/warnings"
	// AnnotationDroppedMetadata on a remote pod holds the labels and annotations of the
	// local pod that the remote pod does not have, as JSON.
	AnnotationDroppedMetadata = "interlink.io/source.metadata"
	// AnnotationNamespaceTemplate on a remote namespace holds a hash of the manifests that
	// the plugin has created in it. It is written last.
	AnnotationNamespaceTemplate = "interlink.io/namespace-template"
)

// GateDependents is the scheduling gate of a remote pod that must not start before
// the objects that it owns exist, and that the kubelet would start without them:
// https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/
const GateDependents = "interlink.io/dependents"

// Annotations that the plugin sets on a remote pod with a mesh.
const (
	// AnnotationFinished tells a mesh in an ordinary container that the pod's own
	// containers have terminated.
	AnnotationFinished = "interlink.io/finished"
	// AnnotationFailed holds the last output of a mesh that failed to start: the
	// kubelet keeps it only until the next run of the container.
	AnnotationFailed = "interlink.io/mesh-failed"
)

// AnnotationPlacementPrefix begins the annotations of a pod that ask, each for a field, for the placement of
// the remote pod, if the site permits it.
const AnnotationPlacementPrefix = "interlink.io/placement."

// AnnotationClaims on a remote pod lists, separated by commas, the claims that a create of the
// pod used. A pod of an earlier version does not have it.
const AnnotationClaims = "interlink.io/claims"

// Annotations with which a user opts claims in.
const (
	// AnnotationRemotePVC on a pod lists, separated by commas, the claims that the
	// pod uses in the remote cluster.
	AnnotationRemotePVC = "interlink.io/remote-pvc"
	// AnnotationClaimPrefix, followed by a claim's name, on a pod says how to
	// create the claim if the remote cluster does not have it.
	AnnotationClaimPrefix = AnnotationRemotePVC + "."
	// AnnotationRetention on a claim says what happens to the claim when its last
	// pod is deleted.
	AnnotationRetention = "interlink.io/pvc-retention-policy"
	// AnnotationCreatedFor on a claim holds the UID of the local pod whose create
	// created the claim. If that create fails, the claim is deleted.
	AnnotationCreatedFor = "interlink.io/created-for"
	// AnnotationUsedBy on a claim holds the UID of the remote pod whose create used the
	// claim last, or of a local pod that waits for a quota and will use it. It changes the claim, so that a delete of another pod, which deletes
	// only an unchanged claim, does not delete it.
	AnnotationUsedBy = "interlink.io/used-by"
)

// Annotations of kubectl:
// https://kubernetes.io/docs/reference/labels-annotations-taints/
const (
	// AnnotationDefaultContainer names the container that kubectl uses if the user
	// names none.
	AnnotationDefaultContainer = "kubectl.kubernetes.io/default-container"
	// AnnotationLastApplied holds kubectl's copy of the whole manifest, with the
	// data of a Secret.
	AnnotationLastApplied = "kubectl.kubernetes.io/last-applied-configuration"
)

// Annotations that InterLink puts on, or reads from, a pod.
const (
	// AnnotationJobID holds the PodJID of the answer to create. Without it, create has
	// not been answered (docs/contract.md, STATUS-4).
	AnnotationJobID = "JobID"
	// AnnotationPreExec holds the mesh script, including keys (NET-1).
	AnnotationPreExec = "slurm-job.vk.io/pre-exec"
	// AnnotationWireguardSnippet holds a WireGuard client configuration, including keys
	// (NET-1).
	AnnotationWireguardSnippet = "interlink.eu/wireguard-client-snippet"
	// AnnotationWireguardPrivateKey holds the private key of the mesh's local end.
	AnnotationWireguardPrivateKey = "interlink.eu/wg-private-key"
	// AnnotationTunnelPath holds the secret path of a tunnel's local end.
	AnnotationTunnelPath = "interlink.eu/wstunnel-path-prefix"
	// AnnotationSSHCommands and AnnotationRatholeCommands hold the commands that start
	// other kinds of tunnels, which no release of InterLink has yet.
	AnnotationSSHCommands     = "interlink.eu/ssh-client-commands"
	AnnotationRatholeCommands = "interlink.eu/rathole-client-commands"
	// AnnotationMeshNetwork has the value "disabled" on a pod that must have no mesh.
	AnnotationMeshNetwork = "interlink.eu/mesh-network"
	// AnnotationTunnelCommands holds the commands that start a tunnel, including its
	// secret path (NET-2).
	AnnotationTunnelCommands = "interlink.eu/wstunnel-client-commands"
	// AnnotationDisableContainers and AnnotationDisableInitContainers list, separated
	// by commas, the containers that stay in the local cluster. A create does not
	// contain them, but status and delete do (CREATE-13).
	AnnotationDisableContainers     = "interlink.eu/disable-offload-containers"
	AnnotationDisableInitContainers = "interlink.eu/disable-offload-init-containers"
)
