//go:build e2e

package suite

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	gatewayChart     = "../../charts/tcp-tunnel/gateway"
	gatewayNamespace = "e2e-tunnels"
)

// clientDeployment runs a pod of the local cluster that sends requests to the
// gateway.
const clientDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: client}
spec:
  selector: {matchLabels: {app: client}}
  template:
    metadata: {labels: {app: client}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: client, image: %q, command: [sleep, infinity]}]
`

// newSSHKeys returns a private and a public key in the formats of ssh-keygen.
func newSSHKeys(t *testing.T) (private, public string) {
	t.Helper()
	key, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(secret, "")
	if err != nil {
		t.Fatal(err)
	}
	authorized, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(authorized)))
}

// installGateway installs the chart of the gateway into the local cluster, and
// returns its public host key.
func installGateway(l *localNamespace, image, publicKey string) string {
	l.Helper()
	at := strings.LastIndex(image, ":")
	chart, err := loader.Load(gatewayChart)
	if err != nil {
		l.Fatal(err)
	}
	install := action.NewInstall(newHelm(l.T, l.kubeconfig, l.name))
	install.ReleaseName, install.Namespace, install.Wait, install.Timeout = "gateway", l.name, true, waitTimeout
	_, err = install.RunWithContext(testEnv.ctx, chart, map[string]any{
		"image": map[string]any{"repository": image[:at], "tag": image[at+1:]},
		"ssh":   map[string]any{"publicKey": publicKey},
	})
	if err != nil {
		l.Fatalf("install the gateway: %v\n%s", err, l.kubectl("get", "pods,events"))
	}
	secret, err := l.client.CoreV1().Secrets(l.name).Get(testEnv.ctx, "gateway-host-key", metav1.GetOptions{})
	if err != nil {
		l.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(secret.Data["ssh-privatekey"])
	if err != nil {
		l.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
}

// testTCPTunnels reaches two ports of a remote pod through the gateway in the local
// cluster.
func testTCPTunnels(t *testing.T) {
	image := networkImage(t)
	cluster := newLocalNamespace(t, gatewayNamespace)
	private, public := newSSHKeys(t)
	hostKey := installGateway(cluster, image, public)
	cluster.apply(fmt.Sprintf(clientDeployment, image))
	cluster.waitAvailable("client")

	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide, "TCP_TUNNEL_ENABLED=true", "TCP_TUNNEL_GATEWAY_HOST="+cluster.address, "TCP_TUNNEL_GATEWAY_PORT=30222",
		"TCP_TUNNEL_GATEWAY_SSH_HOST_KEY="+hostKey, "TCP_TUNNEL_GATEWAY_SSH_PRIVATE_KEY="+private, "TCP_TUNNEL_BASTION_IMAGE="+image).address)
	name := l.create(shellPod("exposed", `
mkdir -p /www/a /www/b
echo first >/www/a/index.html
echo second >/www/b/index.html
busybox httpd -p 80 -h /www/a
exec busybox httpd -f -p 8443 -h /www/b`, func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Image = image
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 8443}}
	}))
	l.waitForPhase(name, corev1.PodRunning)
	request := func(port int) []string {
		return []string{"curl", "-fsS", "--max-time", "10", fmt.Sprintf("http://gateway.%s:%d/", gatewayNamespace, port)}
	}
	both := func(when string) {
		t.Helper()
		cluster.waitForOutput("port 80 "+when, "client", "first", request(80)...)
		cluster.waitForOutput("port 8443 "+when, "client", "second", request(8443)...)
	}
	both("is reached")
	cluster.kubectl("delete", "pod", "-l", "app.kubernetes.io/name=gateway", "--wait=true")
	both("is reached after the gateway was replaced")

	uid := string(l.Pod(name).UID)
	l.remove(name)
	for _, port := range []int{80, 8443} {
		eventually(t, fmt.Sprintf("port %d is closed", port), func(ctx context.Context) error {
			if out, err := cluster.exec(ctx, "client", request(port)...); err == nil {
				return fmt.Errorf("the port still answers %q", out)
			} else if !strings.Contains(err.Error(), "Couldn't connect") && !strings.Contains(err.Error(), "Failed to connect") {
				return err
			}
			return nil
		})
	}
	for what, list := range map[string]string{
		"the release": "secrets,deployments,configmaps,pods -n tcp-tunnel -l interlink.io/tunnel.pod_uid=" + uid,
		"the Service": "services -A -l interlink.io/source.pod_uid=" + uid,
	} {
		eventually(t, what+" is deleted", func(ctx context.Context) error {
			out, err := testEnv.remote.run(ctx, append([]string{"get", "-o", "name"}, strings.Fields(list)...)...)
			if err == nil && strings.TrimSpace(out) != "" {
				err = errors.New(out)
			}
			return err
		})
	}
}
