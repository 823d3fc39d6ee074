//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// testInstances are the instances of the plugins that the tests start.
var testInstances = regexp.MustCompile(`^(plugin-\d+|` + chainNode + `|` + chainNetworkNode + `|` + chainCapacityNode + `)$`)

// deleteLeftBehind deletes a namespace that a plugin of these tests has created and that is empty, as an interrupted run
// leaves it. It reports whether the namespace is deleted; if not, it may be somebody's.
func (r *remoteCluster) deleteLeftBehind(ctx context.Context, namespace *corev1.Namespace) (deleted bool, err error) {
	if namespace.Labels["interlink.io"] != "offloading" || !testInstances.MatchString(namespace.Labels["interlink.io/instance"]) {
		return false, nil
	}
	if empty, err := isEmpty(ctx, r.client, namespace.Name); err != nil || !empty {
		return false, err
	}
	core := r.client.CoreV1()
	err = core.Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &namespace.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, err
	}
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, waitTimeout, true, func(ctx context.Context) (bool, error) {
		_, err := core.Namespaces().Get(ctx, namespace.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	if err != nil {
		return false, fmt.Errorf("wait until namespace %s, which an earlier run has left, is deleted: %w", namespace.Name, err)
	}
	return true, nil
}

// isEmpty reports whether a namespace has nothing but what Kubernetes puts into each one.
func isEmpty(ctx context.Context, client kubernetes.Interface, namespace string) (bool, error) {
	core, apps, batch := client.CoreV1(), client.AppsV1(), client.BatchV1()
	network, rbac := client.NetworkingV1(), client.RbacV1()
	for _, list := range []func() (runtime.Object, error){
		lister(ctx, core.Pods(namespace).List), lister(ctx, core.PersistentVolumeClaims(namespace).List), lister(ctx, core.Secrets(namespace).List),
		lister(ctx, core.ConfigMaps(namespace).List), lister(ctx, core.Services(namespace).List), lister(ctx, core.ServiceAccounts(namespace).List),
		lister(ctx, core.ResourceQuotas(namespace).List), lister(ctx, core.LimitRanges(namespace).List), lister(ctx, core.ReplicationControllers(namespace).List),
		lister(ctx, apps.Deployments(namespace).List), lister(ctx, apps.ReplicaSets(namespace).List), lister(ctx, apps.StatefulSets(namespace).List),
		lister(ctx, apps.DaemonSets(namespace).List), lister(ctx, batch.Jobs(namespace).List), lister(ctx, batch.CronJobs(namespace).List),
		lister(ctx, network.NetworkPolicies(namespace).List), lister(ctx, network.Ingresses(namespace).List),
		lister(ctx, rbac.Roles(namespace).List), lister(ctx, rbac.RoleBindings(namespace).List),
	} {
		objects, err := list()
		if err != nil {
			return false, err
		}
		err = meta.EachListItem(objects, func(object runtime.Object) error {
			switch o := object.(type) {
			case *corev1.ConfigMap:
				if o.Name == "kube-root-ca.crt" {
					return nil
				}
			case *corev1.ServiceAccount:
				if o.Name == "default" {
					return nil
				}
			}
			return errNotEmpty
		})
		if errors.Is(err, errNotEmpty) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// errNotEmpty ends a list at the first object that Kubernetes does not put into each namespace.
var errNotEmpty = errors.New("not empty")

func lister[L runtime.Object](ctx context.Context, list func(context.Context, metav1.ListOptions) (L, error)) func() (runtime.Object, error) {
	return func() (runtime.Object, error) { return list(ctx, metav1.ListOptions{}) }
}
