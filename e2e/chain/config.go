package chain

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Config says between what the programs stand.
type Config struct {
	// BinDir is the folder with the programs interlink and virtual-kubelet.
	BinDir string
	// WorkDir is an absolute path to an existing folder. It keeps configurations, data and logs,
	// and among them a token for the local cluster.
	WorkDir string
	// Kubeconfig of an administrator of the local cluster.
	Kubeconfig string
	// HostAddress is the IP address of this host as the local cluster's nodes reach it: the API
	// server there asks the virtual kubelet for logs.
	HostAddress string
	// Plugin is its address, unix:///path or http://host:port.
	Plugin string
	// NodeName is that of the virtual node.
	NodeName string
	// Network connects the node's pods with the local cluster; nil leaves them apart.
	Network *Network
}

// Network is InterLink's own, in the words of its configuration.
type Network struct {
	FullMesh     bool `json:"FullMesh"`
	EnableTunnel bool `json:"EnableTunnel"` // without the mesh, for pods with ports
	// ScriptTemplate and ServerTemplate are files: the mesh's script for the pods,
	// where it is not to be InterLink's standard one, and what the virtual kubelet
	// makes in the local cluster for each of them.
	ScriptTemplate string `json:"MeshScriptTemplatePath,omitempty"`
	ServerTemplate string `json:"WstunnelTemplatePath"`
	// URLs of the programs that the script fetches.
	Wstunnel    string `json:"WSTunnelExecutable,omitempty"`
	WireguardGo string `json:"WireguardGoURL,omitempty"`
	Wg          string `json:"WgToolURL,omitempty"`
	Slirp4netns string `json:"Slirp4netnsURL,omitempty"`
	// TunnelCommand is the tunnel's, with %s for the prefix, the ports and the ingress.
	TunnelCommand string `json:"WstunnelCommand,omitempty"`
	// WildcardDNS is the domain of the local cluster's ingress.
	WildcardDNS  string `json:"WildcardDNS"`
	PodCIDR      string `json:"PodCIDRCluster,omitempty"`
	ServiceCIDR  string `json:"ServiceCIDR,omitempty"`
	DNSServiceIP string `json:"DNSServiceIP,omitempty"`
}

// validate returns all errors at once.
func (c Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, program := range []string{interlinkProgram, kubeletProgram} {
		info, err := os.Stat(filepath.Join(c.BinDir, program))
		check(err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0, "BinDir %q: no program %s", c.BinDir, program)
	}
	// InterLink refuses paths that are relative or hold "..", wherever it stands in them.
	check(filepath.IsAbs(c.WorkDir) && !strings.Contains(c.WorkDir, ".."), `WorkDir %q: must be absolute, without ".."`, c.WorkDir)
	_, err := netip.ParseAddr(c.HostAddress)
	check(err == nil, "HostAddress %q: not an IP address", c.HostAddress)
	_, _, err = splitPlugin(c.Plugin)
	check(err == nil, "Plugin: %v", err)
	check(nodeName.MatchString(c.NodeName), "NodeName %q: not a name for a node", c.NodeName)
	if c.Network != nil { // of a template that it cannot read InterLink takes its own, and says so in its log alone
		for _, file := range []string{c.Network.ScriptTemplate, c.Network.ServerTemplate} {
			if file == "" {
				continue
			}
			_, err := os.ReadFile(file)
			check(err == nil, "Network: %v", err)
		}
	}
	return errors.Join(errs...)
}

// nodeName is narrower than Kubernetes' rule, because the name also becomes a label's value.
var nodeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// splitPlugin makes of an address the URL and the port that InterLink wants apart.
func splitPlugin(address string) (url, port string, err error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if !filepath.IsAbs(path) {
			return "", "", fmt.Errorf("%q: a socket's path must be absolute", address)
		}
		return address, "0", nil
	}
	hostPort, ok := strings.CutPrefix(address, "http://")
	if !ok {
		return "", "", fmt.Errorf("%q: neither unix:///path nor http://host:port", address)
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return "", "", fmt.Errorf("%q: %w", address, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", fmt.Errorf("%q: %w", address, err)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "http://" + host, port, nil
}

// ports are those that the programs listen on.
type ports struct {
	interlink int // on loopback
	kubelet   int // on HostAddress
}

// freePorts finds ports that nobody uses. Another program might take one before ours does; then it says so in
// its log, and Start fails with that.
func freePorts(hostAddress string) (ports, error) {
	var free ports
	for _, want := range []struct {
		host string
		port *int
	}{{"127.0.0.1", &free.interlink}, {hostAddress, &free.kubelet}} {
		listener, err := net.Listen("tcp", net.JoinHostPort(want.host, "0"))
		if err != nil {
			return ports{}, fmt.Errorf("a free port of %s: %w", want.host, err)
		}
		// Until all are found, so that each is found once.
		defer listener.Close() //nolint:errcheck // nothing was sent
		*want.port = listener.Addr().(*net.TCPAddr).Port
	}
	return free, nil
}

// files of a chain, all in WorkDir.
func (c Config) file(name string) string { return filepath.Join(c.WorkDir, name) }

const (
	interlinkProgram = "interlink"
	kubeletProgram   = "virtual-kubelet"

	interlinkConfig = "interlink.yaml"
	interlinkData   = "interlink-data"
	interlinkLog    = "interlink.log"
	kubeletConfig   = "virtual-kubelet.yaml"
	kubeletLog      = "virtual-kubelet.log"
	kubeconfigFile  = "virtual-kubelet.kubeconfig"
	tokenFile       = "virtual-kubelet.token"
)

type object = map[string]any

// interlinkYAML is the configuration of the InterLink API server.
func (c Config) interlinkYAML(p ports) ([]byte, error) {
	url, port, err := splitPlugin(c.Plugin)
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(object{
		"InterlinkAddress":  "http://127.0.0.1",
		"InterlinkPort":     strconv.Itoa(p.interlink),
		"SidecarURL":        url,
		"SidecarPort":       port,
		"DataRootFolder":    c.file(interlinkData),
		"VerboseLogging":    true,
		"ErrorsOnlyLogging": false,
	})
}

// kubeletYAML is the configuration of the virtual kubelet. The certificate that it serves logs with is
// self-signed: nobody would sign a request for one, and the API server does not ask.
func (c Config) kubeletYAML(p ports) ([]byte, error) {
	configuration := object{
		"InterlinkURL":      "http://127.0.0.1",
		"InterlinkPort":     strconv.Itoa(p.interlink),
		"VKTokenFile":       c.file(tokenFile),
		"ServiceAccount":    account(c.NodeName),
		"Namespace":         accountNamespace,
		"DisableCSR":        true,
		"VerboseLogging":    true,
		"ErrorsOnlyLogging": false,
		"HTTP":              object{"Insecure": true},
		"KubeletHTTP":       object{"Insecure": true},
		"Resources":         object{"CPU": "100", "Memory": "256Gi", "Pods": "100"},
		"PodCIDR":           object{"Subnet": "10.50.0.0/24", "MinIP": 2, "MaxIP": 250},
		// What the local API server knows and the remote kubelet does not (spec.nodeName, metadata.uid...)
		// is put in place on this side.
		"SkipDownwardAPIResolution": false,
	}
	if c.Network != nil {
		configuration["Network"] = c.Network
	}
	return yaml.Marshal(configuration)
}

// interlinkEnv and kubeletEnv are what the programs take from their environment.
func (c Config) interlinkEnv() []string {
	return []string{"INTERLINKCONFIGPATH=" + c.file(interlinkConfig)}
}

func (c Config) kubeletEnv(p ports) []string {
	return []string{
		"CONFIGPATH=" + c.file(kubeletConfig),
		"KUBECONFIG=" + c.file(kubeconfigFile),
		"NODENAME=" + c.NodeName,
		"POD_IP=" + c.HostAddress,
		"KUBELET_URL=" + c.HostAddress,
		"KUBELET_PORT=" + strconv.Itoa(p.kubelet),
	}
}
