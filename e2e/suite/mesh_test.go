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

// peer is the local end of a mesh: what InterLink's shadow pod is. The remote end
// reaches it by a port of the node, as it would by an ingress.
const peer = `
apiVersion: v1
kind: Secret
metadata: {name: peer}
stringData:
  wg.conf: |
    [Interface]
    PrivateKey = {{.Server.Private}}
    ListenPort = 51820
    [Peer]
    PublicKey = {{.Client.Public}}
    AllowedIPs = 10.7.0.2/32
  start.sh: |
    set -e
    wireguard-go wg0
    until wg show wg0 >/dev/null 2>&1; do sleep 0.2; done
    wg setconf wg0 /peer/wg.conf
    ip address add 10.7.0.1/32 dev wg0
    ip link set wg0 mtu 1280 up
    ip route add 10.7.0.2/32 dev wg0
    echo 1 >/proc/sys/net/ipv4/ip_forward
    iptables -t nat -A POSTROUTING -s 10.7.0.2 -j MASQUERADE
    exec wstunnel server --restrict-http-upgrade-path-prefix {{.Prefix}} --restrict-to 127.0.0.1:51820 ws://0.0.0.0:8080
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: peer}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: peer}}
  template:
    metadata: {labels: {app: peer}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: peer
        image: {{.Image}}
        command: [sh, /peer/start.sh]
        securityContext: {privileged: true}
        ports: [{containerPort: 8080, hostPort: 80}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: peer, mountPath: /peer}]
      volumes: [{name: peer, secret: {secretName: peer}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: {{.Image}}
        command: [sh, -c, "mkdir /www; echo the local web >/www/index.html; exec busybox httpd -f -p 8080 -h /www"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`

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

// ingress gives the local cluster's node a name in the remote one, as an ingress
// has.
const ingress = `
apiVersion: v1
kind: Namespace
metadata: {name: offloading-ingress}
---
apiVersion: v1
kind: Service
metadata: {name: local, namespace: offloading-ingress}
spec:
  clusterIP: None
  ports: [{port: 80}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: local, namespace: offloading-ingress, labels: {kubernetes.io/service-name: local}}
addressType: IPv4
endpoints: [{addresses: [%q]}]
ports: [{port: 80}]
`

// ingressName is found by the remote cluster's DNS, and by no other: also where the
// local cluster's is asked first.
const ingressName = "local.offloading-ingress.svc.cluster.local"

// mesh is one between the clusters.
type mesh struct {
	*realLocal
	Image, Prefix  string
	Server, Client keys
}

// newMesh starts the local end.
func newMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{realLocal: openLocal(t, "e2e-mesh"), Image: networkImage(t), Prefix: "0a1b2c", Server: newKeys(t), Client: newKeys(t)}
	var manifest strings.Builder
	if err := template.Must(template.New("peer").Parse(peer)).Execute(&manifest, m); err != nil {
		t.Fatal(err)
	}
	m.apply(manifest.String())
	if err := kubectlApply(stage.ctx, stage.remote.kubeconfig, fmt.Sprintf(ingress, m.address)); err != nil {
		t.Fatal(err)
	}
	m.available("peer")
	m.available("web")
	return m
}

// preExec is the project's mesh script, as InterLink's virtual kubelet fills it in.
func (m *mesh) preExec() string {
	m.Helper()
	text, err := os.ReadFile(filepath.Join(manifests, "mesh-script.yaml"))
	if err != nil {
		m.Fatal(err)
	}
	var configMap corev1.ConfigMap
	if err := yaml.Unmarshal(text, &configMap); err != nil {
		m.Fatal(err)
	}
	dns, err := m.client.CoreV1().Services("kube-system").Get(stage.ctx, "kube-dns", metav1.GetOptions{})
	if err != nil {
		m.Fatal(err)
	}
	pods, services := "10.244.0.0/16", "10.96.0.0/16"
	var script strings.Builder
	err = template.Must(template.New("mesh").Option("missingkey=error").Parse(configMap.Data["custom-mesh.sh"])).Execute(&script, map[string]any{
		"WGInterfaceName": "wg0e2e-4992", "WSTunnelExecutableURL": "http://127.0.0.1:1/wstunnel", "WireguardGoURL": "http://127.0.0.1:1/wireguard-go",
		"WgToolURL": "http://127.0.0.1:1/wg", "Slirp4netnsURL": "http://127.0.0.1:1/slirp4netns",
		"WGConfig": fmt.Sprintf("[Interface]\nPrivateKey = %s\n\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.7.0.1/32,10.0.0.0/8,%s,%s\nEndpoint = 127.0.0.1:51821\nPersistentKeepalive = 5\n",
			m.Client.Private, m.Server.Public, pods, services),
		"DNSServiceIP": dns.Spec.ClusterIP, "RandomPassword": m.Prefix, "IngressEndpoint": ingressName, "WGMTU": 1280,
		"PodCIDRCluster": pods, "ServiceCIDR": services, "UnshareMode": "auto",
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
	pod.Spec.Containers[0].Image = m.Image
}

// testMesh sends packets both ways between the local cluster and a remote pod that
// does not know how.
func testMesh(t *testing.T) {
	m := newMesh(t)
	options := []string{"MESH_IMAGE=" + m.Image, "MESH_INSTALL="}
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
	// The first line fails unless the mesh is up when it is run.
	name := l.create(shell("mesh-service-"+privileged, `
set -e
ping -c 1 -W 5 10.7.0.1 >/dev/null
mkdir -p /www/cgi-bin
printf '#!/bin/sh\necho\nexec curl -fsS --max-time 10 http://web\n' >/www/cgi-bin/ask
chmod +x /www/cgi-bin/ask
echo the remote workload >/www/index.html
grep nameserver /etc/resolv.conf
exec busybox httpd -f -p 8000 -h /www`, m.meshed))
	l.phase(name, corev1.PodRunning)
	remote := l.remotePod(name)
	if c := remote.Spec.InitContainers[0]; c.Name != "mesh-setup" || *c.SecurityContext.RunAsUser != 0 || (c.SecurityContext.Privileged != nil) != (privileged == "true") {
		m.Errorf("%s has %+v", c.Name, c.SecurityContext)
	}
	m.reaches("the local cluster reaches the workload", "peer", "the remote workload", "curl", "-fsS", "--max-time", "5", "http://10.7.0.2:8000/")
	m.reaches("the workload reaches a service of the local cluster by name", "peer", "the local web", "curl", "-fsS", "--max-time", "10", "http://10.7.0.2:8000/cgi-bin/ask")
	m.kubectl("delete", "pod", "-l", "app=peer", "--wait=true")
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

// job completes, with an init container that has the network too.
func (m *mesh) job(l *local, privileged string) {
	name := l.create(shell("mesh-job-"+privileged, `
exec curl -fsS --max-time 10 http://web.e2e-mesh.svc.cluster.local`, m.meshed, func(pod *corev1.Pod) {
		pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
		pod.Spec.InitContainers = []corev1.Container{{
			Name: "first", Image: m.Image, Command: []string{"curl", "-fsS", "--max-time", "10", "http://web"},
		}}
	}))
	l.phase(name, corev1.PodSucceeded)
	if status := l.remotePod(name).Status; status.Phase != corev1.PodSucceeded || status.ContainerStatuses[0].RestartCount != 0 || status.InitContainerStatuses[1].RestartCount != 0 {
		m.Errorf("remotely it is %s: %+v %+v", status.Phase, status.ContainerStatuses, status.InitContainerStatuses)
	}
	if log := l.log(name, wire.LogOpts{}); log != "the local web\n" {
		m.Errorf("its log is %q", log)
	}
	l.remove(name)
}
