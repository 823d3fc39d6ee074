//go:build e2e

package suite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/chain"
)

const chainNetworkNode = "chain-network"

// testChainNetworks tests networks as InterLink itself sets them up. The virtual
// kubelet creates the local end, fills in a script (the project's or its own) or the
// command of a tunnel, and gives the pod the address of the local end.
func testChainNetworks(t *testing.T) {
	interlinkPrograms(t)
	local, image := newLocalNamespace(t, "e2e-chain-networks"), networkImage(t)
	local.apply(testManifest(t, "web-service.yaml", values{"IMAGE": image}))
	local.apply(testManifest(t, "program-files.yaml", values{"IMAGE": image, "FILES_PORT": "8081"}))
	local.waitAvailable("web")
	local.waitAvailable("files")
	files, service := "http://"+local.address+":8081/", "http://web."+local.name
	mesh := chain.Network{
		FullMesh: true, Wstunnel: files + "wstunnel", WireguardGo: files + "wireguard-go", Wg: files + "wg", Slirp4netns: "http://127.0.0.1:1/slirp4netns",
		PodCIDR: podRange, ServiceCIDR: serviceRange, DNSServiceIP: local.clusterDNS(),
	}
	tunnel := chain.Network{
		EnableTunnel: true, TunnelCommand: tunnelCommand(files+"wstunnel.tar.gz", "%s", "%s", "%s"),
	}
	for _, test := range []struct {
		name           string
		network        chain.Network
		script, server string
		web            string // URL of the service for the pod; "" if the pod cannot reach it
		options        []string
	}{
		{"mesh by InterLink's script", mesh, "", "mesh-peer.yaml", service, []string{"MESH_ENABLED=true"}},
		{"mesh by the project's script", mesh, meshScript(t), "mesh-peer.yaml", service, []string{"MESH_ENABLED=true"}},
		{"mesh by the project's script as it is", mesh, meshScript(t), "mesh-peer.yaml", service, []string{"MESH_ENABLED=true", "MESH_SCRIPTS=any"}},
		// This script changes the DNS configuration of its own container only.
		{"mesh by InterLink's script as it is", mesh, "", "mesh-peer.yaml", "http://" + local.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"),
			[]string{"MESH_ENABLED=true", "MESH_SCRIPTS=any", "MESH_PRIVILEGED=true", "MESH_SLURM_SETUP_SCRIPT=true"}},
		{"tunnel", tunnel, "", "tunnel-server.yaml", "", []string{"MESH_WSTUNNEL_URL=" + files + "wstunnel.tar.gz"}},
		{"tunnel by InterLink's command as it is", tunnel, "", "tunnel-server.yaml", "", []string{"MESH_SCRIPTS=any"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			local.T = t
			running := startChain(t, chainNetworkNode, func(folder string) *chain.Network {
				write := func(name, text string) string {
					path := filepath.Join(folder, name)
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					return path
				}
				test.network.WildcardDNS = ingressDomain
				test.network.ServerTemplate = write("peer.yaml", testManifest(t, test.server, values{"IMAGE": image, "PORT": "80"}))
				if test.script != "" {
					test.network.ScriptTemplate = write("mesh.sh", test.script)
				}
				return &test.network
			}, append(test.options, "MESH_IMAGE="+image, "MESH_INSTALL=")...)
			running.newUser(t).testNetwork(local, image, test.web)
		})
	}
}

// testNetwork creates a pod on the virtual node, reaches it by its address, and lets it
// reach a service of the local cluster.
func (u *chainUser) testNetwork(local *localNamespace, image, web string) {
	u.Helper()
	workload := testManifest(u, "mesh-workload.sh", values{"SERVICE": web})
	if web == "" {
		workload = strings.ReplaceAll(workload, "ping", "true")
	}
	// These are the names that InterLink gives to the local end and to its ingress.
	peer := "wstunnel-served-" + u.name
	local.createIngress(peer+"-"+u.name, "80")
	u.apply(`
apiVersion: v1
kind: Pod
metadata: {name: served, annotations: {interlink.eu/shadow-same-ns: "true"}}
spec:` + nodeFields(chainNetworkNode, 2) + `
  containers:
  - name: main
    image: ` + image + `
    imagePullPolicy: IfNotPresent
    ports: [{containerPort: 8000}]
    command: [sh, -c]
    args:
    - |` + indent(workload, 6) + `
`)
	pod := u.waitForPhase("served", corev1.PodRunning)
	if len(pod.Status.InitContainerStatuses) != 0 {
		u.Errorf("the local cluster shows init containers: %+v", pod.Status.InitContainerStatuses)
	}
	url := "http://" + pod.Status.PodIP + ":8000"
	local.waitForOutput("the local cluster reaches the pod by its address", "web", "the remote workload", "curl", "-fsS", "--max-time", "10", url)
	if web != "" {
		local.waitForOutput("the pod reaches a service of the local cluster", "web", "the local web", "curl", "-fsS", "--max-time", "20", url+"/cgi-bin/ask")
	}
	u.kubectl("delete", "pod", "served")
	u.waitForNoRemotePods()
	eventually(u, "the local end is deleted", func(ctx context.Context) error {
		_, err := u.client.AppsV1().Deployments(u.name).Get(ctx, peer, metav1.GetOptions{})
		return wantNotFound(err)
	})
}
