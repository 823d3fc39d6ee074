package config

import (
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Config is the plugin's whole configuration, checked.
type Config struct {
	App        App
	Log        Log
	K8s        K8s
	Offloading Offloading
	Mesh       Mesh
	TCPTunnel  TCPTunnel
}

// App says what the plugin calls itself and where it listens.
type App struct {
	Name        string
	Description string
	// Version is empty when the version of the build is to be shown.
	Version     string
	APIVersions []string
	// APIDocsPath is empty when no documentation is to be served.
	APIDocsPath string
	// SocketAddress and SocketPort are as they were configured; see [App.Listen].
	SocketAddress string
	SocketPort    int
	SocketMode    fs.FileMode
	// AdminAddress is empty when health, readiness and metrics are off.
	AdminAddress  string
	ShutdownGrace time.Duration
	// Instance names this installation; it is a valid label value.
	Instance string
	// MaxBody is the size in bytes of the largest request body.
	MaxBody int64
}

// Listen returns where to listen, as net.Listen wants it: "unix" and a path, or
// "tcp" and host:port.
func (a App) Listen() (network, address string) {
	if path, ok := strings.CutPrefix(a.SocketAddress, "unix://"); ok {
		return "unix", path
	}
	u, err := socketURL(a.SocketAddress)
	if err != nil { // not after Parse has checked it
		return "tcp", a.SocketAddress
	}
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(a.SocketPort)
	}
	return "tcp", net.JoinHostPort(u.Hostname(), port)
}

// socketURL reads an address that is no unix socket's. The Python plugin also
// took a host without a scheme.
func socketURL(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return url.Parse(address)
}

// Log says what is logged, and where.
type Log struct {
	Level slog.Level
	// Dir is empty when the log goes to standard output alone.
	Dir string
	// RichEnabled asks for text for people instead of JSON.
	RichEnabled bool
	// RequestsEnabled asks for a line for every request; bodies are never logged.
	RequestsEnabled bool
}

// K8s says how the remote cluster is reached. What is at KubeconfigPath counts
// first, then Kubeconfig; with neither, the credentials of the pod that the
// plugin runs in, unless a path was given.
type K8s struct {
	KubeconfigPath string
	// KubeconfigPathGiven tells a path that somebody configured from the
	// default one, whose absence is no error.
	KubeconfigPathGiven bool
	// Kubeconfig is the content of a kubeconfig, JSON or YAML.
	Kubeconfig Secret
	// ClientConfiguration is nil when it is not configured.
	ClientConfiguration *ClientConfiguration
	// Context is empty for the kubeconfig's current one.
	Context string
	QPS     float32
	Burst   int
}

// Offloading says what becomes of a pod on the remote cluster.
type Offloading struct {
	// NamespacePrefix is empty when namespaces keep their names.
	NamespacePrefix           string
	NamespacePrefixExclusions []string
	NodeSelector              map[string]string
	NodeTolerations           []corev1.Toleration
	// Namespace, when set, is the one remote namespace for everything.
	Namespace        string
	ImagePullSecrets []string
	ServiceAccount   string
	PriorityClass    string
	RuntimeClass     string
	SchedulerName    string
	// CreateTimeout is how long one create may retry what may pass.
	CreateTimeout      time.Duration
	UnsupportedVolumes VolumePolicy
}

// VolumePolicy says what becomes of a pod with a volume that cannot be offloaded.
type VolumePolicy string

const (
	// DropVolumes leaves such volumes out, with their mounts and a warning.
	DropVolumes VolumePolicy = "drop"
	// RefuseVolumes refuses the pod, naming them.
	RefuseVolumes VolumePolicy = "refuse"
)

// Mesh says how the network mesh is set up in an offloaded pod.
type Mesh struct {
	// InitContainer asks for a sidecar (a restartable init container) instead
	// of one more main container.
	InitContainer bool
	// StartupProbe lets the main containers wait for that sidecar.
	StartupProbe bool
	// StartupTimeout is how long the mesh may take to come up.
	StartupTimeout   time.Duration
	SlurmSetupScript bool
	Image            string
	// Install is a shell command; empty for an image that has all.
	Install    string
	Privileged bool
	// Resources of the containers for the network.
	Resources corev1.ResourceRequirements
	// Tunnel honours the tunnel commands of pods without a mesh.
	Tunnel bool
}

// TCPTunnel is the old way, before the mesh, to expose a pod's ports.
type TCPTunnel struct {
	Enabled          bool
	BastionNamespace string
	// BastionChartPath is empty for the chart that ships with the plugin.
	BastionChartPath string
	GatewayHost      string
	// GatewayPort is 0 when it is not configured.
	GatewayPort int
	GatewayUser string
	// GatewaySSHHostKey is empty when the gateway's key is taken on first use.
	GatewaySSHHostKey string
	// BastionImage is empty for the chart's.
	BastionImage string
	// GatewaySSHPrivateKey is in PEM, with a newline at its end.
	GatewaySSHPrivateKey Secret
}
