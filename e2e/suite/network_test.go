//go:build e2e

package suite

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// networkImage has what networks need; both clusters have it.
func networkImage(t *testing.T) string {
	t.Helper()
	image := os.Getenv("E2E_NETWORK_IMAGE")
	if image == "" {
		t.Fatal("E2E_NETWORK_IMAGE names no image with what networks need (e2e/sandbox/airgap says what) that both clusters can run")
	}
	return image
}

// realLocal is the local cluster itself, with a namespace for one test.
type realLocal struct {
	*testing.T
	kubeconfig string
	client     *kubernetes.Clientset
	namespace  string
	address    string // of its node, as the remote cluster's pods reach it
}

func openLocal(t *testing.T, namespace string) *realLocal {
	t.Helper()
	l := &realLocal{T: t, kubeconfig: os.Getenv("E2E_LOCAL_KUBECONFIG"), namespace: namespace}
	config, err := clientcmd.BuildConfigFromFlags("", l.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if l.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	nodes, err := l.client.CoreV1().Nodes().List(stage.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range nodes.Items[0].Status.Addresses {
		if address.Type == corev1.NodeInternalIP && !strings.Contains(address.Address, ":") {
			l.address = address.Address
		}
	}
	if l.address == "" {
		t.Fatalf("the local cluster's node has no IPv4 address: %v", nodes.Items[0].Status.Addresses)
	}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := kubectl(context.WithoutCancel(stage.ctx), l.kubeconfig, "-n", namespace, "get", "pods,services,deployments", "-o", "wide")
			t.Log(out)
		}
		if out, err := kubectl(context.WithoutCancel(stage.ctx), l.kubeconfig, "delete", "namespace", namespace, "--ignore-not-found"); err != nil {
			t.Error(out, err)
		}
	})
	l.kubectl("create", "namespace", namespace)
	return l
}

func (l *realLocal) kubectl(args ...string) string {
	l.Helper()
	out, err := kubectl(stage.ctx, l.kubeconfig, append([]string{"-n", l.namespace}, args...)...)
	if err != nil {
		l.Fatal(err)
	}
	return out
}

// apply applies a manifest.
func (l *realLocal) apply(manifest string) {
	l.Helper()
	if err := kubectlApply(stage.ctx, l.kubeconfig, manifest, "-n", l.namespace); err != nil {
		l.Fatal(err)
	}
}

// in runs a command in a pod of a deployment.
func (l *realLocal) in(ctx context.Context, deployment string, command ...string) (string, error) {
	return kubectl(ctx, l.kubeconfig, append([]string{"-n", l.namespace, "exec", "deployment/" + deployment, "--"}, command...)...)
}

// reaches waits until a command in a pod of a deployment answers as it should.
func (l *realLocal) reaches(what, deployment, want string, command ...string) {
	l.Helper()
	eventually(l.T, what, func(ctx context.Context) error {
		out, err := l.in(ctx, deployment, command...)
		if err == nil && strings.TrimSpace(out) != want {
			err = fmt.Errorf("the answer is %q, not %q", out, want)
		}
		return err
	})
}

// available waits until the pods of a deployment serve.
func (l *realLocal) available(deployment string) {
	l.Helper()
	l.kubectl("rollout", "status", "deployment/"+deployment, "--timeout="+patience.String())
}
