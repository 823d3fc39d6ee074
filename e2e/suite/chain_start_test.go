//go:build e2e

package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/chain"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/process"
)

const (
	chainNode  = "chain-vnode"
	chainImage = "docker.io/library/busybox:1.37" // the nodes have it already
)

// runningChain is the chain from a user to the remote cluster: the local cluster,
// InterLink's programs and the plugin.
type runningChain struct {
	local     *cluster
	interlink *chain.Chain
	plugin    *process.Process
}

// startChain starts the plugin, with options as environment variables, and InterLink.
// Both stop at the end of the test. network may be nil.
func startChain(t *testing.T, node string, network func(folder string) *chain.Network, options ...string) *runningChain {
	t.Helper()
	programs := interlinkPrograms(t)
	folder, err := os.MkdirTemp(testEnv.folder, "chain-")
	if err != nil {
		t.Fatal(err)
	}
	c := &runningChain{local: openLocalCluster(t)}
	address := "unix://" + filepath.Join(folder, "plugin.sock")
	c.plugin, err = process.Start(process.Spec{
		Path: filepath.Join(requireEnv(t, "E2E_BIN_DIR"), "interlink-kubernetes-plugin"),
		Env: append([]string{
			"APP_SOCKET_ADDRESS=" + address,
			"APP_INSTANCE=" + node, // several plugins share the remote cluster
			"K8S_KUBECONFIG_PATH=" + testEnv.clusterWide.kubeconfig,
			"LOG_LEVEL=DEBUG", "LOG_REQUESTS_ENABLED=true",
		}, options...),
		Log: filepath.Join(folder, "plugin.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.plugin.Stop)
	config := chain.Config{
		BinDir: programs, WorkDir: folder, Kubeconfig: c.local.kubeconfig, HostAddress: requireEnv(t, "E2E_HOST_ADDRESS"),
		Plugin: address, NodeName: node,
	}
	if network != nil {
		config.Network = network(folder)
	}
	c.interlink, err = chain.Start(testEnv.ctx, config)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.plugin.Tail())
	}
	t.Cleanup(func() {
		if err := c.interlink.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// interlinkPrograms returns the folder with InterLink's programs, or skips the test.
// The test may be skipped under CI=true (see testkit.Skip): the programs are not part of
// the project, and CI cannot download them. .ci/run prints that they were not tested.
func interlinkPrograms(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("INTERLINK_BIN_DIR")
	if folder == "" {
		t.Skip("INTERLINK_BIN_DIR is not set: the chain with InterLink's own programs was NOT tested. It must name a folder with the programs interlink and virtual-kubelet")
	}
	return folder
}

// logs returns the ends of the logs of all three programs.
func (c *runningChain) logs() string { return c.interlink.Logs() + "\n" + c.plugin.Tail() }

// nodeFields returns the fields of a pod's spec that select a virtual node, with the
// indentation of the other fields.
func nodeFields(node string, indentation int) string {
	return strings.ReplaceAll(`
nodeSelector: {kubernetes.io/hostname: `+node+`}
tolerations: [{key: virtual-node.interlink/no-schedule, operator: Exists}]
terminationGracePeriodSeconds: 5`, "\n", "\n"+strings.Repeat(" ", indentation))
}

// indent indents a script for a manifest.
func indent(script string, indentation int) string {
	return strings.ReplaceAll("\n"+strings.TrimSpace(script), "\n", "\n"+strings.Repeat(" ", indentation))
}
