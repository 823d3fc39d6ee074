//go:build e2e

package suite

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// localNamespace is a namespace of the local cluster for tests of networks between
// the clusters.
type localNamespace struct {
	*namespace
	address string // IPv4 address of the cluster's node, which the remote cluster's pods reach
}

// newLocalNamespace creates a namespace that exists until the end of the test.
func newLocalNamespace(t *testing.T, name string) *localNamespace {
	t.Helper()
	l := &localNamespace{namespace: &namespace{T: t, cluster: openLocalCluster(t), name: name}}
	nodes, err := l.client.CoreV1().Nodes().List(testEnv.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range nodes.Items[0].Status.Addresses {
		if address.Type == corev1.NodeInternalIP && !strings.Contains(address.Address, ":") {
			l.address = address.Address
		}
	}
	if l.address == "" {
		t.Fatalf("the node of the local cluster has no IPv4 address: %v", nodes.Items[0].Status.Addresses)
	}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := l.run(afterTest(), "-n", name, "get", "pods,services,deployments", "-o", "wide")
			t.Log(out)
		}
		if _, err := l.run(afterTest(), "delete", "namespace", name, "--ignore-not-found"); err != nil {
			t.Error(err)
		}
	})
	l.kubectl("create", "namespace", name)
	return l
}

// clusterDNS returns the address of the local cluster's DNS server.
func (l *localNamespace) clusterDNS() string {
	l.Helper()
	dns, err := l.client.CoreV1().Services("kube-system").Get(testEnv.ctx, "kube-dns", metav1.GetOptions{})
	if err != nil {
		l.Fatal(err)
	}
	return dns.Spec.ClusterIP
}

const (
	ingressNamespace = "offloading-ingress"
	ingressDomain    = ingressNamespace + ".svc.cluster.local"
)

// createIngress gives a port of the local cluster's node a name in the remote
// cluster, as an ingress has one: NAME.offloading-ingress.svc.cluster.local. The
// remote cluster's DNS server knows that name and no other server does, so pods find
// it even if they ask the local cluster's DNS server first. The name leads to the
// node itself for port 80, and to a Service for any other port.
func (l *localNamespace) createIngress(name, port string) {
	l.Helper()
	clusterIP := "None"
	if port != "80" {
		clusterIP = `""`
	}
	manifest := testManifest(l, "ingress.yaml", values{"NAME": name, "CLUSTER_IP": clusterIP, "PORT": port, "ADDRESS": l.address})
	if err := testEnv.remote.applyManifest(testEnv.ctx, manifest, "-n", ingressNamespace); err != nil {
		l.Fatal(err)
	}
}

// networkImage returns an image with the programs that networks need; both clusters
// have it.
func networkImage(t *testing.T) string {
	t.Helper()
	return requireEnv(t, "E2E_NETWORK_IMAGE")
}
