//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const manifests = "../../manifests"

// remoteCluster is the remote cluster as its administrator sees it.
type remoteCluster struct {
	kubeconfig string
	config     *rest.Config
	client     kubernetes.Interface
	applied    []string // manifests
}

// account is one that the plugin has.
type account struct {
	user       string // as in the audit log
	kubeconfig string
	internal   []byte // the same for the local cluster's pods
}

func openRemote() (*remoteCluster, error) {
	r := &remoteCluster{kubeconfig: os.Getenv("E2E_REMOTE_KUBECONFIG")}
	var err error
	if r.config, err = clientcmd.BuildConfigFromFlags("", r.kubeconfig); err != nil {
		return nil, fmt.Errorf("E2E_REMOTE_KUBECONFIG (make e2e sets it): %w", err)
	}
	r.config.QPS, r.config.Burst = 200, 400
	if r.client, err = kubernetes.NewForConfig(r.config); err != nil {
		return nil, err
	}
	list, err := r.client.CoreV1().Namespaces().List(stage.ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, namespace := range list.Items {
		if ours(namespace.Name) {
			return nil, fmt.Errorf("namespace %s is there already: the tests would take it away; this is not a cluster to throw away", namespace.Name)
		}
	}
	return r, nil
}

// ours says whether the tests, or the plugin in them, make a namespace of a name.
func ours(namespace string) bool {
	return namespace == "interlink-plugin" || namespace == "offloading" || namespace == "tcp-tunnel" || strings.HasPrefix(namespace, "offloading-")
}

// kubectl runs what a user would.
func (r *remoteCluster) kubectl(ctx context.Context, args ...string) error {
	_, err := kubectl(ctx, r.kubeconfig, args...)
	return err
}

func kubectl(ctx context.Context, kubeconfig string, args ...string) (string, error) {
	return kubectlWith(ctx, kubeconfig, "", args...)
}

func kubectlWith(ctx context.Context, kubeconfig, input string, args ...string) (string, error) {
	program := os.Getenv("E2E_KUBECTL")
	if program == "" {
		program = "kubectl"
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"--kubeconfig", kubeconfig}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// kubectlApply applies a manifest that is no file.
func kubectlApply(ctx context.Context, kubeconfig, manifest string, args ...string) error {
	_, err := kubectlWith(ctx, kubeconfig, manifest, append(args, "apply", "-f", "-")...)
	return err
}

func (r *remoteCluster) makeNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := r.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// apply applies one of the project's manifests until the tests' end.
func (r *remoteCluster) apply(ctx context.Context, manifest string) error {
	path := filepath.Join(manifests, manifest)
	r.applied = append(r.applied, path)
	return r.kubectl(ctx, "apply", "-f", path)
}

// account applies a manifest of rights, and makes a kubeconfig as it says.
func (r *remoteCluster) account(ctx context.Context, manifest, namespace string) (account, error) {
	a := account{user: "system:serviceaccount:" + namespace + ":interlink-plugin", kubeconfig: filepath.Join(stage.folder, manifest+".kubeconfig")}
	if err := r.apply(ctx, manifest); err != nil {
		return a, err
	}
	var secret *corev1.Secret
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (done bool, err error) {
		secret, err = r.client.CoreV1().Secrets(namespace).Get(ctx, "interlink-plugin-token", metav1.GetOptions{})
		return err == nil && len(secret.Data["token"]) > 0, err
	})
	if err != nil {
		return a, fmt.Errorf("the token of %s: %w", a.user, err)
	}
	write := func(server string) ([]byte, error) {
		config := clientcmdapi.NewConfig()
		config.Clusters["remote"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: secret.Data["ca.crt"]}
		config.AuthInfos["plugin"] = &clientcmdapi.AuthInfo{Token: string(secret.Data["token"])}
		config.Contexts["remote"] = &clientcmdapi.Context{Cluster: "remote", AuthInfo: "plugin"}
		config.CurrentContext = "remote"
		return clientcmd.Write(*config)
	}
	text, err := write(r.config.Host)
	if err != nil {
		return a, err
	}
	internal := os.Getenv("E2E_REMOTE_URL")
	if internal == "" {
		internal = r.config.Host
	}
	if a.internal, err = write(internal); err != nil {
		return a, err
	}
	return a, os.WriteFile(a.kubeconfig, text, 0o600)
}

// restore takes away all that the tests have made; what they should have taken
// away themselves is an error.
func (r *remoteCluster) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	errs := []error{r.left(ctx)}
	for _, path := range r.applied {
		errs = append(errs, r.kubectl(ctx, "delete", "--ignore-not-found", "-f", path))
	}
	list, err := r.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	errs = append(errs, err)
	for _, namespace := range list.Items {
		if ours(namespace.Name) {
			errs = append(errs, r.kubectl(ctx, "delete", "--ignore-not-found", "namespace", namespace.Name))
		}
	}
	return errors.Join(errs...)
}

// left says which objects of the plugin stand after all tests.
func (r *remoteCluster) left(ctx context.Context) error {
	var found string
	err := wait.PollUntilContextTimeout(ctx, time.Second, time.Minute, true, func(ctx context.Context) (bool, error) {
		out, err := kubectl(ctx, r.kubeconfig, "get", "pods,configmaps,secrets,services,persistentvolumeclaims", "-A", "-l", "interlink.io=offloading", "-o", "name")
		if err == nil {
			var records string // of Helm's releases
			records, err = kubectl(ctx, r.kubeconfig, "get", "secrets,deployments", "-A", "-l", "interlink.io/tunnel.pod_uid", "-o", "name")
			out += records
		}
		if err == nil {
			found = out
		}
		return err == nil && strings.TrimSpace(out) == "", nil // the API server may be on its way back
	})
	if err != nil {
		return fmt.Errorf("left in the remote cluster: %w\n%s", err, found)
	}
	return nil
}
