package config

import (
	"cmp"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Config is the plugin's whole configuration, checked. Each section is the option
// struct of the package that uses it: there is no other copy of an option.
type Config struct {
	App        App
	Log        Log
	K8s        K8s
	Offloading Offloading
	Mesh       Mesh
	TCPTunnel  TCPTunnel
}

// App configures the HTTP server: where it listens, and how it describes the plugin.
type App struct {
	Name        string
	Description string
	// Version is empty to show the version of the build.
	Version     string
	APIVersions []string
	// APIDocsPath is the URL path of the documentation; empty disables it.
	APIDocsPath string
	// SocketAddress and SocketPort are as configured; see [App.Listen].
	SocketAddress string
	SocketPort    int
	SocketMode    fs.FileMode
	// AdminAddress is the host:port of health, readiness and metrics; empty
	// disables them.
	AdminAddress string
	// AdminTokenFile is the path of the file with the token of the page on AdminAddress; empty: there is no page.
	AdminTokenFile string
	// AdminHosts are names of hosts by which browsers call the page.
	AdminHosts []string
	// ShutdownGrace is how long requests in flight may run after the server is
	// told to stop.
	ShutdownGrace time.Duration
	// Instance names this installation; it is a valid label value.
	Instance string
	// MaxBody is the size of the largest request body, in bytes.
	MaxBody int64
	// LeaseNamespace is as configured; see [Config.LeaseNamespace].
	LeaseNamespace string
	// Maintenance is true while the remote cluster is in maintenance: no new pods run.
	Maintenance bool
}

// AccountNamespace is the namespace of the plugin's account in
// manifests/rbac-cluster-wide.yaml.
const AccountNamespace = "interlink-plugin"

// LeaseNamespace returns the remote namespace of the Lease of the replica that searches for
// orphans.
func (c *Config) LeaseNamespace() string {
	return cmp.Or(c.App.LeaseNamespace, c.Offloading.Namespace, AccountNamespace)
}

// Listen returns the arguments of net.Listen: "unix" and a path, or "tcp" and
// host:port.
func (a App) Listen() (network, address string) {
	if path, ok := strings.CutPrefix(a.SocketAddress, "unix://"); ok {
		return "unix", path
	}
	u, err := socketURL(a.SocketAddress)
	if err != nil { // impossible after Parse, which checks the address
		return "tcp", a.SocketAddress
	}
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(a.SocketPort)
	}
	return "tcp", net.JoinHostPort(u.Hostname(), port)
}

// socketURL parses the address of a TCP socket. Like the Python plugin, it accepts
// a host without a scheme.
func socketURL(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return url.Parse(address)
}

// Log configures the plugin's log.
type Log struct {
	Level slog.Level
	// Dir is a folder for a copy of the log; empty disables the copy.
	Dir string
	// RichEnabled writes text for people instead of JSON.
	RichEnabled bool
	// RequestsEnabled logs a line for each request; bodies are never logged.
	RequestsEnabled bool
}

// K8s configures the client of the remote cluster. The file at KubeconfigPath has
// priority over Kubeconfig. Without both, the client uses the service account of
// the pod that the plugin runs in.
type K8s struct {
	KubeconfigPath string
	// KubeconfigPathGiven is false if KubeconfigPath is the default value. Then
	// it is no error if the file does not exist.
	KubeconfigPathGiven bool
	// Kubeconfig is the content of a kubeconfig, JSON or YAML.
	Kubeconfig Secret
	// ClientConfiguration overrides settings of the kubeconfig; nil overrides none.
	ClientConfiguration *ClientConfiguration
	// Context is a context of the kubeconfig; empty selects its current context.
	Context string
	// QPS and Burst limit the requests to the remote API server, per second; with a QPS
	// of 0 there is no limit.
	QPS   float32
	Burst int
	// UnavailableAfter is how long the remote API server may refuse the plugin, or be
	// unreachable, before the ping fails; 0 for ever.
	UnavailableAfter time.Duration
}

// Offloading configures the remote objects. An empty field of the pod leaves that
// field to the defaults of the remote cluster: the value in the local pod refers
// to objects of the local cluster.
type Offloading struct {
	// NamespacePrefix is empty if remote namespaces have the names of the local ones.
	NamespacePrefix           string
	NamespacePrefixExclusions []string
	NodeSelector              map[string]string
	NodeTolerations           []corev1.Toleration
	// Namespace is the only remote namespace; empty: one for each local namespace.
	Namespace        string
	ImagePullSecrets []string
	ServiceAccount   string
	PriorityClass    string
	RuntimeClass     string
	SchedulerName    string
	// CreateTimeout limits one create, with its retries.
	CreateTimeout      time.Duration
	UnsupportedVolumes VolumePolicy
	// Quota says what happens to a pod that a full ResourceQuota refuses.
	Quota QuotaPolicy
	// DisruptedExitCode is the exit code of containers that a disruption of the remote
	// cluster has stopped.
	DisruptedExitCode int
	// NodePods is the number of pods that the ping offers; 0 if it says nothing about it.
	NodePods int
	// ReportResources says what the ping says of resources, and Reserve how much of them is
	// not offered, in percent.
	ReportResources ReportResources
	Reserve         int
	// OrphanGrace is how long nothing may ask about a remote pod until it is marked, and
	// again until it is deleted; 0 searches for no orphans.
	OrphanGrace  time.Duration
	OrphanPolicy OrphanPolicy
	// FinishedTTL is how long remote pods that have ended are kept; 0 keeps them until
	// their local pods are deleted.
	FinishedTTL time.Duration
	// PodSecurity is the Pod Security Standard that remote pods must meet.
	PodSecurity PodSecurity
	// Namespaces are patterns of the local namespaces whose pods may be offloaded; none:
	// all.
	Namespaces []string
	// NamespaceTemplate is the path of a file of manifests for each remote namespace that
	// the plugin creates; empty: none.
	NamespaceTemplate string
	// DaemonSets offloads pods of DaemonSets.
	DaemonSets           bool
	ServiceAccountTokens TokenPolicy
	Variables            VariableMode
	// Labels says what happens to the labels of users in namespaces that the plugin did
	// not create.
	Labels LabelPolicy
	// VirtualNode are patterns of the labels and taints of the virtual node: pods are not
	// warned that their selectors and tolerations for them are left out.
	VirtualNode []string
	// DroppedMetadata are patterns of the names of labels and annotations that remote pods
	// do not get.
	DroppedMetadata []string
	// StorageClasses are the storage classes of the remote cluster, by those of the local one;
	// that of "*" is for all others.
	StorageClasses map[string]string
	// CSIDrivers are patterns of the drivers that pods may name in volumes of their own.
	CSIDrivers []string
	NFS        []NFSExport
	HostPaths  []HostPath
	// Claims and Placement are rules in JSON, or the paths of files with them; empty: none.
	Claims, Placement string
	PlacementAllowed  []PlacementValue
}

// Mesh configures the containers of InterLink's networks: the mesh and the tunnel.
type Mesh struct {
	// Enabled sets up the mesh for pods that ask for it; WhenOff says what happens to
	// such pods otherwise.
	Enabled bool
	WhenOff MeshOffPolicy
	// Scripts says which mesh scripts and tunnel commands run.
	Scripts MeshScripts
	// TemplateDir is a folder with the site's templates of mesh scripts; empty: none.
	TemplateDir string
	// InitContainer runs the mesh in a native sidecar that starts before the pod's
	// own init containers. Otherwise the mesh runs in an ordinary container, and no
	// container waits for it.
	InitContainer bool
	// StartupProbe lets the other containers wait until the mesh is up. It needs
	// InitContainer.
	StartupProbe bool
	// StartupTimeout is how long the mesh may take to start.
	StartupTimeout time.Duration
	// SlurmSetupScript runs a script of the pod in the environment of a Slurm job.
	SlurmSetupScript bool
	Image            string
	// Install is a shell command that installs what the scripts need; empty if the
	// image contains it.
	Install string
	// Privileged runs a script of the pod in a privileged container. Otherwise the
	// container may change the pod's network and has no other privilege.
	Privileged bool
	// Resources are those of the containers. Without resources, a pod whose own
	// containers all have limits is no longer Guaranteed
	// (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/), and a quota for
	// requests or limits refuses the pod.
	Resources corev1.ResourceRequirements
	// PodIP says which address the variables from status.podIP have.
	PodIP PodIPSource
	// Tunnel sets up the tunnel of pods without a mesh.
	Tunnel bool
	// URLs of the programs that the plugin's own scripts download if the image does not
	// contain them.
	WstunnelURL, WireguardGoURL, WgURL string
}

// TCPTunnel configures the SSH tunnels that expose the TCP ports of pods.
type TCPTunnel struct {
	Enabled bool
	// BastionNamespace is the remote namespace of the bastions. It must exist.
	BastionNamespace string
	// BastionChartPath is a folder or an archive; empty for the chart that is part
	// of the plugin.
	BastionChartPath string
	GatewayHost      string
	// GatewayPort is 0 if it is not configured.
	GatewayPort int
	GatewayUser string
	// GatewaySSHHostKey is the gateway's public key; if it is empty, the bastion
	// trusts the first key that the gateway presents.
	GatewaySSHHostKey string
	// BastionImage has a tag or a digest; empty for the image of the chart.
	BastionImage string
	// GatewaySSHPrivateKey is in PEM, with a newline at its end.
	GatewaySSHPrivateKey Secret
}
