//go:build e2e

package suite

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// keys are a pair of WireGuard's.
type keys struct{ Private, Public string }

func newKeys(t *testing.T) keys {
	t.Helper()
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString
	return keys{text(private.Bytes()), text(private.PublicKey().Bytes())}
}

// mesh is one between the clusters.
type mesh struct {
	*realLocal
	image  string
	names  string // address of the remote cluster's DNS server
	peer   meshData
	server keys
	client keys
}

// meshData is what the virtual kubelet puts into the template of the local end.
type meshData struct{ Name, Namespace, RandomPassword, WGPrivateKey, ClientPublicKey string }

// meshPort is of the local cluster's node. InterLink's own script cannot be reached by
// another than 80, so that one is the chain's.
const meshPort = "8088"

// newMesh starts the local end.
func newMesh(t *testing.T) *mesh {
	t.Helper()
	const namespace = "e2e-mesh"
	server, client := newKeys(t), newKeys(t)
	m := &mesh{
		realLocal: openLocal(t, namespace), image: networkImage(t), server: server, client: client,
		peer: meshData{"peer", namespace, "0a1b2c", server.Private, client.Public},
	}
	with := strings.NewReplacer("IMAGE", m.image, "PORT", meshPort)
	m.applyEnd(with.Replace(meshPeer), m.peer)
	m.apply(with.Replace(meshWeb))
	m.ingress("local", meshPort)
	m.names = m.remoteNames()
	m.available("peer")
	m.available("web")
	return m
}

func (m *mesh) remoteNames() string {
	m.Helper()
	remote := stage.remote.kubeconfig
	if err := kubectlApply(stage.ctx, remote, strings.ReplaceAll(meshNames, "IMAGE", m.image)); err != nil {
		m.Fatal(err)
	}
	if _, err := kubectl(stage.ctx, remote, "-n", "offloading-ingress", "wait", "--for=condition=Ready", "pod/names", "--timeout="+patience.String()); err != nil {
		m.Fatal(err)
	}
	address, err := kubectl(stage.ctx, remote, "-n", "offloading-ingress", "get", "pod", "names", "-o", "jsonpath={.status.podIP}")
	if err != nil {
		m.Fatal(err)
	}
	return address
}

// applyEnd makes a local end of a network.
func (l *realLocal) applyEnd(text string, data meshData) {
	l.Helper()
	var manifest strings.Builder
	if err := template.Must(template.New("end").Parse(text)).Execute(&manifest, data); err != nil {
		l.Fatal(err)
	}
	l.apply(manifest.String())
}

// meshScript is the project's, a template of InterLink's virtual kubelet.
func meshScript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manifests, "mesh-script.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var configMap corev1.ConfigMap
	if err := yaml.Unmarshal(text, &configMap); err != nil {
		t.Fatal(err)
	}
	return configMap.Data["custom-mesh.sh"]
}

// dns is the address of the local cluster's DNS server.
func (l *realLocal) dns() string {
	l.Helper()
	dns, err := l.client.CoreV1().Services("kube-system").Get(stage.ctx, "kube-dns", metav1.GetOptions{})
	if err != nil {
		l.Fatal(err)
	}
	return dns.Spec.ClusterIP
}

const podRange, serviceRange = "10.244.0.0/16", "10.96.0.0/16" // of both clusters

// preExec is the script as the virtual kubelet fills it in.
func (m *mesh) preExec() string {
	m.Helper()
	var script strings.Builder
	err := template.Must(template.New("mesh").Option("missingkey=error").Parse(meshScript(m.T))).Execute(&script, map[string]any{
		"WGInterfaceName": "wg0e2e-4992", "WSTunnelExecutableURL": "http://127.0.0.1:1/wstunnel", "WireguardGoURL": "http://127.0.0.1:1/wireguard-go",
		"WgToolURL": "http://127.0.0.1:1/wg", "Slirp4netnsURL": "http://127.0.0.1:1/slirp4netns",
		"WGConfig": fmt.Sprintf("[Interface]\nPrivateKey = %s\n\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.7.0.1/32,10.0.0.0/8,%s,%s\nEndpoint = 127.0.0.1:51821\nPersistentKeepalive = 5\n",
			m.client.Private, m.server.Public, podRange, serviceRange),
		"DNSServiceIP": m.dns(), "RandomPassword": m.peer.RandomPassword, "IngressEndpoint": "local." + ingressDomain, "WGMTU": 1280,
		"PodCIDRCluster": podRange, "ServiceCIDR": serviceRange, "UnshareMode": "auto",
	})
	if err != nil {
		m.Fatal(err)
	}
	return script.String()
}

// meshed gives a pod the mesh, and the image with what its container needs to ask.
func (m *mesh) meshed(pod *corev1.Pod) {
	pod.Namespace = m.namespace
	pod.Annotations = map[string]string{wire.AnnotationPreExec: m.preExec()}
	pod.Spec.Containers[0].Image = m.image
}

// testMesh sends packets both ways between the local cluster and a remote pod that
// does not know how.
func testMesh(t *testing.T) {
	m := newMesh(t)
	options := []string{"MESH_IMAGE=" + m.image, "MESH_INSTALL="}
	for _, privileged := range []string{"true", "false"} {
		t.Run("privileged "+privileged, func(t *testing.T) {
			l := newLocal(t, startPlugin(t, stage.all, append(options, "MESH_PRIVILEGED="+privileged)...).address)
			m.T = t
			m.service(l, privileged)
			m.job(l, privileged)
		})
	}
}

// service is reached and reaches, also when the peer was away.
func (m *mesh) service(l *local, privileged string) {
	name := l.create(shell("mesh-service-"+privileged, meshWorkload, m.meshed))
	l.phase(name, corev1.PodRunning)
	remote := l.remotePod(name)
	if c := remote.Spec.InitContainers[0]; c.Name != "mesh-setup" || *c.SecurityContext.RunAsUser != 0 || (c.SecurityContext.Privileged != nil) != (privileged == "true") {
		m.Errorf("%s has %+v", c.Name, c.SecurityContext)
	}
	m.reaches("the local end reaches the workload", "peer", "the remote workload", "curl", "-fsS", "--max-time", "5", "http://10.7.0.2:8000/")
	m.reaches("the workload reaches a service of the local cluster by name", "peer", "the local web", "curl", "-fsS", "--max-time", "10", "http://10.7.0.2:8000/cgi-bin/ask")
	m.kubectl("delete", "pod", "-l", "app.kubernetes.io/component=peer", "--wait=true")
	m.available("peer")
	m.reaches("and after the peer was away", "peer", "the local web", "curl", "-fsS", "--max-time", "10", "http://10.7.0.2:8000/cgi-bin/ask")
	after := l.remotePod(name)
	if after.UID != remote.UID || after.Status.ContainerStatuses[0].RestartCount != 0 {
		m.Errorf("the workload was restarted: %+v", after.Status.ContainerStatuses)
	}
	if status := l.Status(name); status.Phase != corev1.PodRunning || len(status.InitContainerStatuses) != 0 {
		m.Errorf("the local cluster shows %s and %+v", status.Phase, status.InitContainerStatuses)
	}
	l.remove(name)
	eventually(m.T, "the remote pod is gone", func(ctx context.Context) error {
		if pods := l.remotePods(name); len(pods) > 0 {
			return errors.New("it is there")
		}
		return nil
	})
}

// job completes, with an init container that has the network too; it knows names of
// both clusters.
func (m *mesh) job(l *local, privileged string) {
	name := l.create(shell("mesh-job-"+privileged, `
getent hosts db.remote.example | awk '{print $1}'
exec curl -fsS --max-time 10 http://web.e2e-mesh.svc.cluster.local`, m.meshed, func(pod *corev1.Pod) {
		pod.Spec.DNSPolicy = corev1.DNSNone
		pod.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{m.names}}
		pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
		pod.Spec.InitContainers = []corev1.Container{{
			Name: "first", Image: m.image, Command: []string{"curl", "-fsS", "--max-time", "10", "http://web"},
		}}
	}))
	l.phase(name, corev1.PodSucceeded)
	if status := l.remotePod(name).Status; status.Phase != corev1.PodSucceeded || status.ContainerStatuses[0].RestartCount != 0 || status.InitContainerStatuses[1].RestartCount != 0 {
		m.Errorf("remotely it is %s: %+v %+v", status.Phase, status.ContainerStatuses, status.InitContainerStatuses)
	}
	if log := l.log(name, wire.LogOpts{}); log != "192.0.2.7\nthe local web\n" {
		m.Errorf("its log is %q", log)
	}
	l.remove(name)
}

// testTunnelCommand reaches a pod without a mesh by InterLink's own tunnel.
func testTunnelCommand(t *testing.T) {
	const namespace, port, filesPort = "e2e-tunnel-command", "8089", "8082"
	local, image := openLocal(t, namespace), networkImage(t)
	with := strings.NewReplacer("IMAGE", image, "FILES_PORT", filesPort, "PORT", port)
	local.apply(with.Replace(meshFiles))
	local.applyEnd(with.Replace(tunnelServer), meshData{Name: "peer", Namespace: namespace, RandomPassword: "0a1b2c"})
	local.ingress("tunnel", port)
	local.available("files")
	local.available("peer")
	command := tunnelCommand("http://"+local.address+":"+filesPort+"/wstunnel.tar.gz", "0a1b2c", "-R tcp://0.0.0.0:8000:localhost:8000", "tunnel."+ingressDomain)
	l := newLocal(t, startPlugin(t, stage.all, "MESH_IMAGE="+image, "MESH_INSTALL=").address)
	name := l.create(shell("tunnel-command", `
mkdir /www
echo the remote workload >/www/index.html
exec busybox httpd -f -p 8000 -h /www`, func(pod *corev1.Pod) {
		pod.Namespace = namespace
		pod.Annotations = map[string]string{wire.AnnotationTunnelCommands: command}
		pod.Spec.Containers[0].Image = image
	}))
	l.phase(name, corev1.PodRunning)
	local.reaches("the pod's port is at the local end", "peer", "the remote workload", "curl", "-fsS", "--max-time", "5", "http://127.0.0.1:8000")
	l.remove(name)
}
