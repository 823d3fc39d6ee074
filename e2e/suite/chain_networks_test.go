//go:build e2e

package suite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/chain"
)

const (
	chainMeshNode = "chain-mesh"
	chainMeshPort = "8088" // of the local cluster's node, which the other mesh has port 80 of
)

// testChainMesh is a mesh as InterLink itself sets it up: its virtual kubelet makes the local end, fills the
// project's script in, and gives the pod the local end's address.
func testChainMesh(t *testing.T) {
	if os.Getenv("INTERLINK_BIN_DIR") == "" {
		t.Skip("INTERLINK_BIN_DIR is not set: the mesh was NOT run with InterLink's own virtual kubelet")
	}
	local, image := openLocal(t, "e2e-chain-mesh"), networkImage(t)
	with := strings.NewReplacer("IMAGE", image, "PORT", chainMeshPort)
	local.apply(with.Replace(meshWeb))
	local.available("web")
	stage := startChain(t, chainMeshNode, func(folder string) *chain.Mesh {
		write := func(name, text string) string {
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		return &chain.Mesh{
			ScriptTemplate: write("mesh.sh", meshScript(t)), ServerTemplate: write("peer.yaml", with.Replace(meshPeer)),
			WildcardDNS: ingressDomain, PodCIDR: podRange, ServiceCIDR: serviceRange, DNSServiceIP: local.dns(),
		}
	}, "MESH_IMAGE="+image, "MESH_INSTALL=", "MESH_PRIVILEGED=false")

	u := stage.user(t)
	// InterLink's name for the local end, and of that for the ingress.
	peer := "wstunnel-meshed-" + u.namespace
	local.ingress(peer+"-"+u.namespace, chainMeshPort)
	u.apply(`
apiVersion: v1
kind: Pod
metadata: {name: meshed, annotations: {interlink.eu/shadow-same-ns: "true"}}
spec:` + onNode(chainMeshNode, 2) + `
  containers:
  - name: main
    image: ` + image + `
    imagePullPolicy: IfNotPresent
    ports: [{containerPort: 8000}]
    command: [sh, -c]
    args:
    - |` + chainScript(strings.ReplaceAll(meshWorkload, "http://web", "http://web."+local.namespace), 6) + `
`)
	pod := u.phase("meshed", corev1.PodRunning)
	if len(pod.Status.InitContainerStatuses) != 0 {
		u.Errorf("init containers are shown: %+v", pod.Status.InitContainerStatuses)
	}
	at := "http://" + pod.Status.PodIP + ":8000"
	local.reaches("the pod is reached by its address", "web", "the remote workload", "curl", "-fsS", "--max-time", "5", at)
	local.reaches("and reaches a service by name", "web", "the local web", "curl", "-fsS", "--max-time", "10", at+"/cgi-bin/ask")
	u.kubectl("delete", "pod", "meshed")
	u.noRemotePods()
	u.wait("the local end is gone", func(ctx context.Context) (bool, string) {
		_, err := stage.local.AppsV1().Deployments(u.namespace).Get(ctx, peer, metav1.GetOptions{})
		return apierrors.IsNotFound(err), "it is there"
	})
}
