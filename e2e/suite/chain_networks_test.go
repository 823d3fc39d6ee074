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

const chainNetworkNode = "chain-network"

// testChainNetworks has networks as InterLink itself sets them up: its virtual kubelet makes the local end, fills
// in a script, the project's or its own, or a tunnel's command, and gives the pod the local end's address.
func testChainNetworks(t *testing.T) {
	if os.Getenv("INTERLINK_BIN_DIR") == "" {
		t.Skip("INTERLINK_BIN_DIR is not set: networks were NOT run with InterLink's own virtual kubelet")
	}
	local, image := openLocal(t, "e2e-chain-networks"), networkImage(t)
	with := strings.NewReplacer("IMAGE", image, "FILES_PORT", "8081", "PORT", "80")
	local.apply(with.Replace(meshWeb))
	local.apply(with.Replace(meshFiles))
	local.available("web")
	local.available("files")
	files, service := "http://"+local.address+":8081/", "http://web."+local.namespace
	mesh := chain.Network{
		FullMesh: true, Wstunnel: files + "wstunnel", WireguardGo: files + "wireguard-go", Wg: files + "wg", Slirp4netns: "http://127.0.0.1:1/slirp4netns",
		PodCIDR: podRange, ServiceCIDR: serviceRange, DNSServiceIP: local.dns(),
	}
	tunnel := chain.Network{
		EnableTunnel: true, TunnelCommand: tunnelCommand(files+"wstunnel.tar.gz", "%s", "%s", "%s"),
	}
	for _, test := range []struct {
		name           string
		network        chain.Network
		script, server string
		web            string // as the pod asks for it; "": there is no way
		options        []string
	}{
		{"mesh by the project's script", mesh, meshScript(t), meshPeer, service, []string{"MESH_PRIVILEGED=false"}},
		// It changes its own container's resolver alone.
		{"mesh by InterLink's script", mesh, "", meshPeer, "http://" + local.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"), []string{"MESH_SLURM_SETUP_SCRIPT=true"}},
		{"tunnel", tunnel, "", tunnelServer, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			local.T = t
			stage := startChain(t, chainNetworkNode, func(folder string) *chain.Network {
				write := func(name, text string) string {
					path := filepath.Join(folder, name)
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					return path
				}
				test.network.WildcardDNS = ingressDomain
				test.network.ServerTemplate = write("peer.yaml", with.Replace(test.server))
				if test.script != "" {
					test.network.ScriptTemplate = write("mesh.sh", test.script)
				}
				return &test.network
			}, append(test.options, "MESH_IMAGE="+image, "MESH_INSTALL=")...)
			stage.user(t).reached(local, image, test.web)
		})
	}
}

// reached makes a pod on the virtual node, reaches it by its address, and a service of the local cluster from it.
func (u *chainUser) reached(local *realLocal, image, web string) {
	u.Helper()
	workload := strings.ReplaceAll(meshWorkload, "http://web", web)
	if web == "" {
		workload = strings.ReplaceAll(workload, "ping", "true")
	}
	// InterLink's name for the local end, and of that for the ingress.
	peer := "wstunnel-served-" + u.namespace
	local.ingress(peer+"-"+u.namespace, "80")
	u.apply(`
apiVersion: v1
kind: Pod
metadata: {name: served, annotations: {interlink.eu/shadow-same-ns: "true"}}
spec:` + onNode(chainNetworkNode, 2) + `
  containers:
  - name: main
    image: ` + image + `
    imagePullPolicy: IfNotPresent
    ports: [{containerPort: 8000}]
    command: [sh, -c]
    args:
    - |` + chainScript(workload, 6) + `
`)
	pod := u.phase("served", corev1.PodRunning)
	if len(pod.Status.InitContainerStatuses) != 0 {
		u.Errorf("init containers are shown: %+v", pod.Status.InitContainerStatuses)
	}
	at := "http://" + pod.Status.PodIP + ":8000"
	local.reaches("the pod is reached by its address", "web", "the remote workload", "curl", "-fsS", "--max-time", "5", at)
	if web != "" {
		local.reaches("and reaches a service of the local cluster", "web", "the local web", "curl", "-fsS", "--max-time", "10", at+"/cgi-bin/ask")
	}
	u.kubectl("delete", "pod", "served")
	u.noRemotePods()
	u.wait("the local end is gone", func(ctx context.Context) (bool, string) {
		_, err := u.stage.local.AppsV1().Deployments(u.namespace).Get(ctx, peer, metav1.GetOptions{})
		return apierrors.IsNotFound(err), "it is there"
	})
}
