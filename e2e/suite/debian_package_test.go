//go:build e2e

package suite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/clusters"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// testDebianPackage installs the Debian package on the node of the local cluster, which is a Debian with systemd, and
// starts the plugin there for the remote cluster.
func testDebianPackage(t *testing.T) {
	node := clusters.Local + "-control-plane"
	if out, err := exec.CommandContext(testEnv.ctx, "docker", "inspect", "--format", "{{.State.Status}}", node).CombinedOutput(); err != nil {
		testkit.Skip(t, fmt.Sprintf("the package needs a node that make e2e has created: %v\n%s", err, out))
	}
	build := exec.CommandContext(testEnv.ctx, "make", "-C", "../..", "deb")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the package: %v\n%s", err, out)
	}
	kubeconfig := filepath.Join(testEnv.folder, "debian-package.kubeconfig")
	if err := os.WriteFile(kubeconfig, testEnv.clusterWide.internal, 0o600); err != nil {
		t.Fatal(err)
	}
	try := exec.CommandContext(testEnv.ctx, "../../.ci/release/try-deb", node, "../../bin/interlink-kubernetes-plugin.deb", kubeconfig,
		"APP_INSTANCE=debian-package", "OFFLOADING_NAMESPACE_PREFIX=offloading-debian-package")
	out, err := try.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
