//go:build e2e

package suite

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// meshPort is a port of the local cluster's node. InterLink's own script can only
	// reach port 80, so the chain uses that one.
	meshPort = "8088"
	// Ranges of both clusters.
	podRange, serviceRange = "10.244.0.0/16", "10.96.0.0/16"
)

// mesh is a mesh network between the clusters, with its local end.
type mesh struct {
	*localNamespace
	image      string
	dnsServer  string // address of a DNS server in the remote cluster
	localEnd   localEnd
	serverKeys wireGuardKeys
	clientKeys wireGuardKeys
}

// newMesh starts the local end of a mesh.
func newMesh(t *testing.T) *mesh {
	t.Helper()
	const name = "e2e-mesh"
	m := &mesh{
		localNamespace: newLocalNamespace(t, name), image: networkImage(t),
		serverKeys: newWireGuardKeys(t), clientKeys: newWireGuardKeys(t),
	}
	m.localEnd = localEnd{"peer", name, "0a1b2c", m.serverKeys.private, m.clientKeys.public}
	m.applyLocalEnd(testManifest(t, "mesh-peer.yaml", values{"IMAGE": m.image, "PORT": meshPort}), m.localEnd)
	m.apply(testManifest(t, "web-service.yaml", values{"IMAGE": m.image}))
	m.createIngress("local", meshPort)
	m.startRemoteDNS()
	m.waitAvailable("peer")
	m.waitAvailable("web")
	return m
}

// startRemoteDNS starts a DNS server in the remote cluster.
func (m *mesh) startRemoteDNS() {
	m.Helper()
	remote, namespace := testEnv.remote, "-n="+ingressNamespace
	if err := remote.applyManifest(testEnv.ctx, testManifest(m, "dns-server.yaml", values{"IMAGE": m.image}), namespace); err != nil {
		m.Fatal(err)
	}
	if _, err := remote.run(testEnv.ctx, namespace, "wait", "--for=condition=Ready", "pod/names", "--timeout="+waitTimeout.String()); err != nil {
		m.Fatal(err)
	}
	address, err := remote.run(testEnv.ctx, namespace, "get", "pod", "names", "-o", "jsonpath={.status.podIP}")
	if err != nil {
		m.Fatal(err)
	}
	m.dnsServer = address
}

// preExec returns the mesh script as the virtual kubelet fills it in.
func (m *mesh) preExec() string {
	m.Helper()
	return fillTemplate(m, meshScript(m), map[string]any{
		"WGInterfaceName": "wg0e2e-4992", "WSTunnelExecutableURL": "http://127.0.0.1:1/wstunnel", "WireguardGoURL": "http://127.0.0.1:1/wireguard-go",
		"WgToolURL": "http://127.0.0.1:1/wg", "Slirp4netnsURL": "http://127.0.0.1:1/slirp4netns",
		"WGConfig": fmt.Sprintf("[Interface]\nPrivateKey = %s\n\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.7.0.1/32,10.0.0.0/8,%s,%s\nEndpoint = 127.0.0.1:51821\nPersistentKeepalive = 5\n",
			m.clientKeys.private, m.serverKeys.public, podRange, serviceRange),
		"DNSServiceIP": m.clusterDNS(), "RandomPassword": m.localEnd.RandomPassword, "IngressEndpoint": "local." + ingressDomain, "WGMTU": 1280,
		"PodCIDRCluster": podRange, "ServiceCIDR": serviceRange, "UnshareMode": "auto",
	})
}

// addMesh adds the mesh to a pod, and the image with the programs that its container
// runs.
func (m *mesh) addMesh(pod *corev1.Pod) {
	pod.Namespace = m.name
	pod.Annotations = map[string]string{wire.AnnotationPreExec: m.preExec()}
	pod.Spec.Containers[0].Image = m.image
}

// testMesh sends packets in both directions between the local cluster and a remote
// pod that knows nothing of the mesh.
func testMesh(t *testing.T) {
	m := newMesh(t)
	for _, test := range []struct {
		name       string
		privileged bool
		options    []string
	}{
		{"own", false, nil},
		{"of-pod", false, []string{"MESH_SCRIPTS=any"}},
		{"of-pod-privileged", true, []string{"MESH_SCRIPTS=any", "MESH_PRIVILEGED=true"}},
	} {
		t.Run("script "+test.name, func(t *testing.T) {
			plugin := startPlugin(t, testEnv.clusterWide, append(test.options, "MESH_ENABLED=true", "MESH_IMAGE="+m.image, "MESH_INSTALL=")...)
			l := newSimulatedCluster(t, plugin.address)
			m.T = t
			m.testService(l, test.name, test.privileged)
			m.testJob(l, test.name)
		})
	}
}

// testService runs a pod that both reaches the local cluster and is reached from
// it, also after its peer was replaced.
func (m *mesh) testService(l *simulatedCluster, script string, privileged bool) {
	name := l.create(shellPod("mesh-service-"+script, testManifest(m, "mesh-workload.sh", values{"SERVICE": "http://web"}), m.addMesh))
	l.waitForPhase(name, corev1.PodRunning)
	remote := l.remotePod(name)
	if c := remote.Spec.InitContainers[0]; c.Name != "mesh-setup" || *c.SecurityContext.RunAsUser != 0 || (c.SecurityContext.Privileged != nil) != privileged {
		m.Errorf("init container %s has the security context %+v", c.Name, c.SecurityContext)
	}
	page := []string{"curl", "-fsS", "--max-time", "10", "http://10.7.0.2:8000/"}
	fetched := []string{"curl", "-fsS", "--max-time", "20", "http://10.7.0.2:8000/cgi-bin/ask"}
	m.waitForOutput("the local end reaches the workload", "peer", "the remote workload", page...)
	m.waitForOutput("the workload reaches a service of the local cluster by its name", "peer", "the local web", fetched...)
	m.kubectl("delete", "pod", "-l", "app.kubernetes.io/component=peer", "--wait=true")
	m.waitAvailable("peer")
	m.waitForOutput("the workload reaches the service after the peer was replaced", "peer", "the local web", fetched...)
	after := l.remotePod(name)
	if after.UID != remote.UID || after.Status.ContainerStatuses[0].RestartCount != 0 {
		m.Errorf("the workload was restarted: %+v", after.Status.ContainerStatuses)
	}
	if status := l.Status(name); status.Phase != corev1.PodRunning || len(status.InitContainerStatuses) != 0 {
		m.Errorf("the local cluster shows phase %s and init containers %+v", status.Phase, status.InitContainerStatuses)
	}
	l.remove(name)
	eventually(m, "the remote pod is deleted", func(context.Context) error {
		if pods := l.remotePods(name); len(pods) > 0 {
			return fmt.Errorf("%d remote pods exist", len(pods))
		}
		return nil
	})
}

// testJob runs a pod that completes. Its init container has the network too, and it
// resolves names of both clusters.
func (m *mesh) testJob(l *simulatedCluster, script string) {
	name := l.create(shellPod("mesh-job-"+script, `
getent hosts db.remote.example | awk '{print $1}'
exec curl -fsS --max-time 20 http://web.e2e-mesh.svc.cluster.local`, m.addMesh, func(pod *corev1.Pod) {
		pod.Spec.DNSPolicy = corev1.DNSNone
		pod.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{m.dnsServer}}
		pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
		pod.Spec.InitContainers = []corev1.Container{{
			Name: "first", Image: m.image, Command: []string{"curl", "-fsS", "--max-time", "20", "http://web"},
		}}
	}))
	l.waitForPhase(name, corev1.PodSucceeded)
	if status := l.remotePod(name).Status; status.Phase != corev1.PodSucceeded || status.ContainerStatuses[0].RestartCount != 0 || status.InitContainerStatuses[1].RestartCount != 0 {
		m.Errorf("the remote pod is %s with containers %+v and init containers %+v", status.Phase, status.ContainerStatuses, status.InitContainerStatuses)
	}
	if log := l.readLog(name, wire.LogOpts{}); log != "192.0.2.7\nthe local web\n" {
		m.Errorf("the log is %q", log)
	}
	l.remove(name)
}

// testTunnelCommand reaches a pod without a mesh through InterLink's own tunnel.
func testTunnelCommand(t *testing.T) {
	const port, filesPort = "8089", "8082"
	local, image := newLocalNamespace(t, "e2e-tunnel-command"), networkImage(t)
	local.apply(testManifest(t, "program-files.yaml", values{"IMAGE": image, "FILES_PORT": filesPort}))
	local.applyLocalEnd(testManifest(t, "tunnel-server.yaml", values{"IMAGE": image, "PORT": port}),
		localEnd{Name: "peer", Namespace: local.name, RandomPassword: "0a1b2c"})
	local.createIngress("tunnel", port)
	local.waitAvailable("files")
	local.waitAvailable("peer")
	command := tunnelCommand("http://"+local.address+":"+filesPort+"/wstunnel.tar.gz", "0a1b2c", "-R tcp://0.0.0.0:8000:localhost:8000", "tunnel."+ingressDomain)
	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide, "MESH_IMAGE="+image, "MESH_INSTALL=", "MESH_WSTUNNEL_URL=http://"+local.address+":"+filesPort+"/wstunnel.tar.gz").address)
	name := l.create(shellPod("tunnel-command", `
mkdir /www
echo the remote workload >/www/index.html
exec busybox httpd -f -p 8000 -h /www`, func(pod *corev1.Pod) {
		pod.Namespace = local.name
		pod.Annotations = map[string]string{wire.AnnotationTunnelCommands: command}
		pod.Spec.Containers[0].Image = image
	}))
	l.waitForPhase(name, corev1.PodRunning)
	local.waitForOutput("the local end reaches the port of the pod", "peer", "the remote workload", "curl", "-fsS", "--max-time", "10", "http://127.0.0.1:8000")
	l.remove(name)
}
