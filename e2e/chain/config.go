package chain

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Config describes what the programs connect.
type Config struct {
	// BinDir is the folder with the programs interlink and virtual-kubelet.
	BinDir string
	// WorkDir is the absolute path of an existing folder for configurations, data and logs, and
	// for a token of the local cluster.
	WorkDir string
	// Kubeconfig is a file with an administrator's access to the local cluster.
	Kubeconfig string
	// HostAddress is the IP address at which the local cluster's nodes reach this host: the API
	// server there requests logs from the virtual kubelet.
	HostAddress string
	// Plugin is the address of the plugin, unix:///path or http://host:port.
	Plugin string
	// NodeName is the name of the virtual node.
	NodeName string
	// Network connects the node's pods with the local cluster; nil does not connect them.
	Network *Network
}

// Network configures InterLink's network, with the keys of InterLink's configuration.
type Network struct {
	FullMesh     bool `json:"FullMesh"`
	EnableTunnel bool `json:"EnableTunnel"` // without the mesh, for pods with ports
	// ScriptTemplate and ServerTemplate are files: the mesh script for the pods, if it is
	// not InterLink's own, and the objects that the virtual kubelet creates in the local
	// cluster for each pod.
	ScriptTemplate string `json:"MeshScriptTemplatePath,omitempty"`
	ServerTemplate string `json:"WstunnelTemplatePath"`
	// URLs of the programs that the script downloads.
	Wstunnel    string `json:"WSTunnelExecutable,omitempty"`
	WireguardGo string `json:"WireguardGoURL,omitempty"`
	Wg          string `json:"WgToolURL,omitempty"`
	Slirp4netns string `json:"Slirp4netnsURL,omitempty"`
	// TunnelCommand is the command of a tunnel, with %s for the prefix, the ports and the ingress.
	TunnelCommand string `json:"WstunnelCommand,omitempty"`
	// WildcardDNS is the domain of the local cluster's ingress.
	WildcardDNS  string `json:"WildcardDNS"`
	PodCIDR      string `json:"PodCIDRCluster,omitempty"`
	ServiceCIDR  string `json:"ServiceCIDR,omitempty"`
	DNSServiceIP string `json:"DNSServiceIP,omitempty"`
}

// validate returns all errors, not only the first one.
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
	// InterLink rejects relative paths, and paths that contain "..".
	check(filepath.IsAbs(c.WorkDir) && !strings.Contains(c.WorkDir, ".."), `WorkDir %q: must be absolute, without ".."`, c.WorkDir)
	_, err := netip.ParseAddr(c.HostAddress)
	check(err == nil, "HostAddress %q: not an IP address", c.HostAddress)
	_, _, err = splitPlugin(c.Plugin)
	check(err == nil, "Plugin: %v", err)
	check(nodeName.MatchString(c.NodeName), "NodeName %q: not a name for a node", c.NodeName)
	if c.Network != nil { // InterLink only logs that it cannot read a template, and uses its own
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

// nodeName is stricter than Kubernetes' rule, because the name is also the value of a label.
var nodeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// splitPlugin splits an address into the URL and the port, which InterLink configures
// separately.
func splitPlugin(address string) (url, port string, err error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if !filepath.IsAbs(path) {
			return "", "", fmt.Errorf("%q: the path of a socket must be absolute", address)
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

// ports are the ports that the programs listen on.
type ports struct {
	interlink int // on loopback
	kubelet   int // on HostAddress
}

// freePorts finds ports that no program uses. If another program uses one of them before
// ours listens, ours logs an error and Start fails with it.
func freePorts(hostAddress string) (ports, error) {
	var free ports
	for _, want := range []struct {
		host string
		port *int
	}{{"127.0.0.1", &free.interlink}, {hostAddress, &free.kubelet}} {
		listener, err := net.Listen("tcp", net.JoinHostPort(want.host, "0"))
		if err != nil {
			return ports{}, fmt.Errorf("find a free port of %s: %w", want.host, err)
		}
		// Only when all ports are found, so that they differ.
		defer listener.Close() //nolint:errcheck // it has no connections
		*want.port = listener.Addr().(*net.TCPAddr).Port
	}
	return free, nil
}

// file returns the path of a file in WorkDir.
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

// interlinkYAML returns the configuration of the InterLink API server.
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

// kubeletYAML returns the configuration of the virtual kubelet. It serves logs with a
// self-signed certificate: no one signs certificates here, and the API server does not
// verify it. localAPI is the URL of the local API server.
func (c Config) kubeletYAML(p ports, localAPI string) ([]byte, error) {
	api, err := url.Parse(localAPI)
	if err != nil {
		return nil, fmt.Errorf("address of the local API server: %w", err)
	}
	configuration := object{
		"InterlinkURL":      "http://127.0.0.1",
		"InterlinkPort":     strconv.Itoa(p.interlink),
		"VKTokenFile":       c.file(tokenFile),
		"ServiceAccount":    accountName(c.NodeName),
		"Namespace":         accountNamespace,
		"DisableCSR":        true,
		"VerboseLogging":    true,
		"ErrorsOnlyLogging": false,
		"HTTP":              object{"Insecure": true},
		"KubeletHTTP":       object{"Insecure": true},
		"Resources":         object{"CPU": "100", "Memory": "256Gi", "Pods": "100"},
		"PodCIDR":           object{"Subnet": "10.50.0.0/24", "MinIP": 2, "MaxIP": 250},
		// As the plugin's documents recommend: with false, no pod with a variable from status.podIP is sent;
		// without the address, status requests do not have the variables as the user wrote them.
		"SkipDownwardAPIResolution": true,
		"KubernetesApiAddr":         api.Hostname(),
		"KubernetesApiPort":         cmp.Or(api.Port(), "443"),
	}
	if c.Network != nil {
		configuration["Network"] = c.Network
	}
	return yaml.Marshal(configuration)
}

// interlinkEnv returns the environment variables of the InterLink API server.
func (c Config) interlinkEnv() []string {
	return []string{"INTERLINKCONFIGPATH=" + c.file(interlinkConfig)}
}

// kubeletEnv returns the environment variables of the virtual kubelet.
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
