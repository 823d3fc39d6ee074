package chain

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const accountNamespace = metav1.NamespaceDefault

// accountName returns the name of the service account that the virtual kubelet uses, of
// its role and of their binding. Each node has its own, so that several chains can run in
// one cluster.
func accountName(node string) string { return "virtual-kubelet-" + node }

// tokenLifetime is longer than any test.
const tokenLifetime = 24 * time.Hour

// localCluster is the cluster with the virtual node, with its administrator's permissions.
type localCluster struct {
	config *rest.Config
	client *kubernetes.Clientset
}

func connect(kubeconfig string) (*localCluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the local cluster: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig of the local cluster: %w", err)
	}
	return &localCluster{config, client}, nil
}

// rules returns the permissions of a virtual kubelet. With an administrator's permissions
// the tests would pass although the virtual kubelet lacks a permission.
func rules(network bool) []rbacv1.PolicyRule {
	rule := func(group string, resources []string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
	}
	rules := []rbacv1.PolicyRule{
		rule("", []string{"nodes"}, "get", "list", "watch", "create", "update", "patch"),
		rule("", []string{"nodes/status", "pods/status"}, "get", "update", "patch"),
		rule("", []string{"pods"}, "get", "list", "watch", "update", "patch", "delete"),
		rule("", []string{"configmaps", "secrets", "services", "serviceaccounts", "namespaces"}, "get", "list", "watch"),
		rule("", []string{"serviceaccounts/token"}, "create"), // for the tokens in pods' projected volumes
		rule("", []string{"events"}, "create", "patch"),
		rule("coordination.k8s.io", []string{"leases"}, "get", "list", "watch", "create", "update", "patch"),
	}
	if network { // the virtual kubelet creates the local end of each pod's network
		rules = append(rules,
			rule("", []string{"namespaces"}, "create"),
			rule("", []string{"configmaps", "secrets", "services"}, "create", "update", "delete"),
			rule("apps", []string{"deployments"}, "get", "create", "update", "delete"),
			rule("networking.k8s.io", []string{"ingresses"}, "get", "create", "update", "delete"),
		)
	}
	return rules
}

// createAccount creates the service account for a node, with its role, and returns a
// token.
func (l *localCluster) createAccount(ctx context.Context, node string, network bool) (token string, err error) {
	name := accountName(node)
	meta := metav1.ObjectMeta{Name: name}
	account := &corev1.ServiceAccount{ObjectMeta: meta}
	role := &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules(network)}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: accountNamespace}},
	}
	accounts := l.client.CoreV1().ServiceAccounts(accountNamespace)
	if _, err := accounts.Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	if _, err := l.client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	if _, err := l.client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	seconds := int64(tokenLifetime.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := accounts.CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("create a token of service account %s: %w", name, err)
	}
	return answer.Status.Token, nil
}

// kubeconfig returns a kubeconfig with a token.
func (l *localCluster) kubeconfig(token string) ([]byte, error) {
	if err := rest.LoadTLSFiles(l.config); err != nil {
		return nil, err
	}
	const name = "local"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{
		Server:                   l.config.Host,
		TLSServerName:            l.config.ServerName,
		CertificateAuthorityData: l.config.CAData,
		InsecureSkipTLSVerify:    l.config.Insecure,
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.Write(*config)
}

// deleteNode deletes the virtual node and what createAccount created, also of a run that
// was killed.
func (l *localCluster) deleteNode(ctx context.Context, node string) error {
	rbac, now := l.client.RbacV1(), metav1.DeleteOptions{}
	var errs []error
	for _, err := range []error{
		l.client.CoreV1().Nodes().Delete(ctx, node, now),
		l.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, node, now),
		rbac.ClusterRoleBindings().Delete(ctx, accountName(node), now),
		rbac.ClusterRoles().Delete(ctx, accountName(node), now),
		l.client.CoreV1().ServiceAccounts(accountNamespace).Delete(ctx, accountName(node), now),
	} {
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// ready reports whether the virtual node is Ready since a time: an older report may be of
// a virtual kubelet that was killed.
func (l *localCluster) ready(ctx context.Context, name string, since time.Time) (bool, error) {
	node, err := l.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return readySince(node, since), nil
}

// readySince compares whole seconds, because Kubernetes does not store fractions.
func readySince(node *corev1.Node, since time.Time) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue && !condition.LastHeartbeatTime.Time.Before(since.Truncate(time.Second))
		}
	}
	return false
}
