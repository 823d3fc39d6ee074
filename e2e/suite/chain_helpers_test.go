//go:build e2e

package suite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/chain"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/process"
)

const (
	chainNode  = "chain-vnode"
	chainImage = "docker.io/library/busybox:1.37" // in the nodes already
	// chainPatience bounds each wait. InterLink looks at pods every 5 s, and at each after the other.
	chainPatience = 3 * time.Minute
	chainPoll     = 500 * time.Millisecond
)

// A chainStage is the whole way: a user's cluster, InterLink, the plugin, the remote cluster.
type chainStage struct {
	chain         *chain.Chain
	plugin        *process.Process
	local, remote *kubernetes.Clientset
	kubectl       string
	localConfig   string
	remoteConfig  string
}

// startChain starts the plugin, with options of the environment, and InterLink, and takes both away when the
// test ends. The network may be nil.
func startChain(t *testing.T, node string, network func(folder string) *chain.Network, options ...string) *chainStage {
	t.Helper()
	programs := os.Getenv("INTERLINK_BIN_DIR")
	if programs == "" {
		t.Skip("INTERLINK_BIN_DIR is not set: the whole chain was NOT run. It names a folder with InterLink's programs interlink and virtual-kubelet")
	}
	s := &chainStage{localConfig: chainEnv(t, "E2E_LOCAL_KUBECONFIG"), remoteConfig: chainEnv(t, "E2E_REMOTE_KUBECONFIG")}
	s.local, s.remote = chainClient(t, s.localConfig), chainClient(t, s.remoteConfig)
	var err error
	if s.kubectl = os.Getenv("E2E_KUBECTL"); s.kubectl == "" {
		if s.kubectl, err = exec.LookPath("kubectl"); err != nil {
			t.Fatal("no kubectl in PATH, and E2E_KUBECTL is not set")
		}
	}

	dir, err := os.MkdirTemp(stage.folder, "chain-")
	if err != nil {
		t.Fatal(err)
	}
	address := "unix://" + filepath.Join(dir, "plugin.sock")
	s.plugin, err = process.Start(process.Spec{
		Path: filepath.Join(chainEnv(t, "E2E_BIN_DIR"), "interlink-kubernetes-plugin"),
		Env: append([]string{
			"APP_SOCKET_ADDRESS=" + address,
			"APP_INSTANCE=" + node, // beside other plugins on the same remote cluster
			"K8S_KUBECONFIG_PATH=" + chainEnv(t, "E2E_PLUGIN_KUBECONFIG"),
			"LOG_LEVEL=DEBUG", "LOG_REQUESTS_ENABLED=true",
		}, options...),
		Log: filepath.Join(dir, "plugin.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.plugin.Stop)
	config := chain.Config{
		BinDir: programs, WorkDir: dir, Kubeconfig: s.localConfig, HostAddress: chainEnv(t, "E2E_HOST_ADDRESS"),
		Plugin: address, NodeName: node,
	}
	if network != nil {
		config.Network = network(dir)
	}
	s.chain, err = chain.Start(t.Context(), config)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.plugin.Tail())
	}
	t.Cleanup(func() {
		if err := s.chain.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func chainEnv(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run this with make e2e", name)
	}
	return value
}

func chainClient(t *testing.T, kubeconfig string) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// logs are the ends of all three programs' logs.
func (s *chainStage) logs() string { return s.chain.Logs() + "\n" + s.plugin.Tail() }

// onTheNode is what a pod's spec needs to come to the virtual node, indented as deep as the spec's fields.
func onTheNode(indent int) string { return onNode(chainNode, indent) }

func onNode(node string, indent int) string {
	return strings.ReplaceAll(`
nodeSelector: {kubernetes.io/hostname: `+node+`}
tolerations: [{key: virtual-node.interlink/no-schedule, operator: Exists}]
terminationGracePeriodSeconds: 5`, "\n", "\n"+strings.Repeat(" ", indent))
}
