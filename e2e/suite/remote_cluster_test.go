//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const manifests = "../../manifests"

// remoteCluster is the cluster that runs the pods.
type remoteCluster struct {
	*cluster
	applied []string // files of manifests
}

// account is a service account of the plugin.
type account struct {
	user       string // its name in the audit log
	kubeconfig string // a file
	internal   []byte // a kubeconfig for pods of the local cluster
}

// openRemote opens the remote cluster. It refuses a cluster that has namespaces
// which the tests would delete.
func openRemote(ctx context.Context) (*remoteCluster, error) {
	c, err := openCluster("E2E_REMOTE_KUBECONFIG")
	if err != nil {
		return nil, err
	}
	r := &remoteCluster{cluster: c}
	list, err := r.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		namespace := &list.Items[i]
		if !createdByTests(namespace.Name) {
			continue
		}
		if deleted, err := r.deleteLeftBehind(ctx, namespace); err != nil {
			return nil, err
		} else if !deleted {
			return nil, fmt.Errorf("namespace %s exists already, and the tests would delete it: use a cluster without it", namespace.Name)
		}
	}
	return r, nil
}

// createdByTests reports whether the tests, or the plugin in them, create a
// namespace of this name.
func createdByTests(namespace string) bool {
	return namespace == "interlink-plugin" || namespace == "offloading" || namespace == "tcp-tunnel" || strings.HasPrefix(namespace, "offloading-")
}

// createNamespace creates a namespace unless it exists.
func (r *remoteCluster) createNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := r.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// applyFile applies a file of manifests/ until the end of the tests.
func (r *remoteCluster) applyFile(ctx context.Context, file string) error {
	path := filepath.Join(manifests, file)
	r.applied = append(r.applied, path)
	_, err := r.run(ctx, "apply", "-f", path)
	return err
}

// createAccount applies a file with the permissions of an account, and writes a
// kubeconfig as the file's comments describe it.
func (r *remoteCluster) createAccount(ctx context.Context, file, namespace string) (account, error) {
	a := account{user: "system:serviceaccount:" + namespace + ":interlink-plugin", kubeconfig: filepath.Join(testEnv.folder, file+".kubeconfig")}
	if err := r.applyFile(ctx, file); err != nil {
		return a, err
	}
	var secret *corev1.Secret
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, waitTimeout, true, func(ctx context.Context) (done bool, err error) {
		secret, err = r.client.CoreV1().Secrets(namespace).Get(ctx, "interlink-plugin-token", metav1.GetOptions{})
		return err == nil && len(secret.Data["token"]) > 0, err
	})
	if err != nil {
		return a, fmt.Errorf("wait for the token of %s: %w", a.user, err)
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

// restore deletes all that the tests created. It returns an error if objects of the
// plugin exist that the tests should have deleted before.
func (r *remoteCluster) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*waitTimeout)
	defer cancel()
	errs := []error{r.checkNothingLeft(ctx)}
	run := func(args ...string) {
		_, err := r.run(ctx, args...)
		errs = append(errs, err)
	}
	for _, path := range r.applied {
		run("delete", "--ignore-not-found", "-f", path)
	}
	list, err := r.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	errs = append(errs, err)
	deleteAll := []string{"delete", "--ignore-not-found", "namespace"} // at once: each takes seconds
	for _, namespace := range list.Items {
		if createdByTests(namespace.Name) {
			deleteAll = append(deleteAll, namespace.Name)
		}
	}
	if len(deleteAll) > 3 {
		run(deleteAll...)
	}
	return errors.Join(errs...)
}

// checkNothingLeft waits until no object of the plugin exists.
func (r *remoteCluster) checkNothingLeft(ctx context.Context) error {
	var found string
	err := wait.PollUntilContextTimeout(ctx, time.Second, waitTimeout, true, func(ctx context.Context) (bool, error) {
		objects, err := r.run(ctx, "get", "pods,configmaps,secrets,services,persistentvolumeclaims", "-A", "-l", "interlink.io=offloading", "-o", "name")
		if err != nil {
			return false, nil // the API server may be starting again
		}
		releases, err := r.run(ctx, "get", "secrets,deployments", "-A", "-l", "interlink.io/tunnel.pod_uid", "-o", "name")
		if err != nil {
			return false, nil
		}
		found = strings.TrimSpace(objects + releases)
		return found == "", nil
	})
	if err != nil {
		return fmt.Errorf("objects are left in the remote cluster: %w\n%s", err, found)
	}
	return nil
}
