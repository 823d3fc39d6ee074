//go:build e2e

package suite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// waitTimeout bounds each wait. It only keeps a broken test from hanging: no test
// depends on how fast the machine is.
const waitTimeout = 5 * time.Minute

// eventually waits until check returns nil.
func eventually(t testing.TB, what string, check func(context.Context) error) {
	t.Helper()
	testkit.EventuallyNoError(testEnv.ctx, t, waitTimeout, what, check)
}

// afterTest returns a context for cleanup, which an interrupt must not cut short.
func afterTest() context.Context { return context.WithoutCancel(testEnv.ctx) }

// requireEnv returns an environment variable that make e2e sets.
func requireEnv(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run the tests with make e2e", name)
	}
	return value
}

// cluster is a Kubernetes cluster, with its administrator's permissions.
type cluster struct {
	kubeconfig string
	config     *rest.Config
	client     *kubernetes.Clientset
}

// openCluster reads the kubeconfig that an environment variable names.
func openCluster(variable string) (*cluster, error) {
	c := &cluster{kubeconfig: os.Getenv(variable)}
	var err error
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.kubeconfig); err != nil {
		return nil, fmt.Errorf("%s (make e2e sets it): %w", variable, err)
	}
	c.config.QPS, c.config.Burst = 200, 400
	c.client, err = kubernetes.NewForConfig(c.config)
	return c, err
}

// openLocalCluster opens the cluster with the users' pods.
func openLocalCluster(t testing.TB) *cluster {
	t.Helper()
	c, err := openCluster("E2E_LOCAL_KUBECONFIG")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// command prepares a kubectl command.
func (c *cluster) command(ctx context.Context, args ...string) *exec.Cmd {
	program := os.Getenv("E2E_KUBECTL")
	if program == "" {
		program = "kubectl"
	}
	return exec.CommandContext(ctx, program, append([]string{"--kubeconfig", c.kubeconfig}, args...)...)
}

// run runs kubectl and returns its standard output. The error holds the arguments
// and all that kubectl printed.
func (c *cluster) run(ctx context.Context, args ...string) (string, error) {
	return c.runWithInput(ctx, "", args...)
}

// applyManifest applies a manifest that is not a file.
func (c *cluster) applyManifest(ctx context.Context, manifest string, args ...string) error {
	_, err := c.runWithInput(ctx, manifest, append(args, "apply", "-f", "-")...)
	return err
}

func (c *cluster) runWithInput(ctx context.Context, input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*waitTimeout)
	defer cancel()
	cmd := c.command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out), err
}

// namespace is a namespace of the local cluster that one test works in.
type namespace struct {
	*testing.T
	*cluster
	name string
}

// kubectl runs a command in the namespace that must succeed, and returns its
// standard output.
func (n *namespace) kubectl(args ...string) string {
	n.Helper()
	out, err := n.run(testEnv.ctx, append([]string{"-n", n.name}, args...)...)
	if err != nil {
		n.Fatal(err)
	}
	return out
}

// apply applies a manifest in the namespace.
func (n *namespace) apply(manifest string) {
	n.Helper()
	if err := n.applyManifest(testEnv.ctx, manifest, "-n", n.name); err != nil {
		n.Fatal(err)
	}
}

// waitAvailable waits until the pods of a deployment are available.
func (n *namespace) waitAvailable(deployment string) {
	n.Helper()
	n.kubectl("rollout", "status", "deployment/"+deployment, "--timeout="+waitTimeout.String())
}

// exec runs a command in a pod of a deployment.
func (n *namespace) exec(ctx context.Context, deployment string, command ...string) (string, error) {
	return n.run(ctx, append([]string{"-n", n.name, "exec", "deployment/" + deployment, "--"}, command...)...)
}

// waitForOutput waits until a command in a pod of a deployment prints what is wanted.
func (n *namespace) waitForOutput(what, deployment, want string, command ...string) {
	n.Helper()
	eventually(n.T, what, func(ctx context.Context) error {
		out, err := n.exec(ctx, deployment, command...)
		if err == nil && strings.TrimSpace(out) != want {
			err = fmt.Errorf("the output is %q, want %q", out, want)
		}
		return err
	})
}
