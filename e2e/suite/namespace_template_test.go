//go:build e2e

package suite

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// templateOfAllKinds has what a site gives each tenant, and what needs permissions of its own.
const templateOfAllKinds = `
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota}
spec: {hard: {count/services: "5"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec: {limits: [{type: Container, default: {memory: 64Mi}, defaultRequest: {memory: 16Mi}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: builder}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: $(LOCAL_NAMESPACE)-readers}]
`

// testNamespaceTemplate applies a template with the permissions of manifests/rbac-namespace-template.yaml and those that
// its comment names for other kinds. The audit log shows that the template needs these and no others.
// TestPermissionsForATemplate takes them away one by one, which shows those that no audit log has: bind, and create as a
// part of server-side apply.
func testNamespaceTemplate(t *testing.T) {
	remote := testEnv.remote.client
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "interlink-e2e-namespace-template"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"serviceaccounts"}, Verbs: []string{"create", "patch"}},
		{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"rolebindings"}, Verbs: []string{"create", "patch"}},
		{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, ResourceNames: []string{"view"}, Verbs: []string{"bind"}},
	}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "interlink-plugin", Namespace: "interlink-plugin"}},
	}
	t.Cleanup(func() {
		_ = remote.RbacV1().ClusterRoleBindings().Delete(afterTest(), role.Name, metav1.DeleteOptions{})
		_ = remote.RbacV1().ClusterRoles().Delete(afterTest(), role.Name, metav1.DeleteOptions{})
	})
	if _, err := remote.RbacV1().ClusterRoles().Create(testEnv.ctx, role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.RbacV1().ClusterRoleBindings().Create(testEnv.ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(testEnv.folder, "namespace-template.yaml")
	if err := os.WriteFile(path, []byte(templateOfAllKinds), 0o600); err != nil {
		t.Fatal(err)
	}
	plugin := startPlugin(t, testEnv.clusterWide, "OFFLOADING_NAMESPACE_TEMPLATE="+path, "OFFLOADING_ORPHAN_GRACE=0")
	l := newSimulatedCluster(t, plugin.address)
	l.waitForPhase(l.create(shellPod("template", "sleep 5")), corev1.PodSucceeded)

	namespace := plugin.prefix + "-default"
	found, err := remote.RbacV1().RoleBindings(namespace).Get(testEnv.ctx, "readers", metav1.GetOptions{})
	if err != nil || found.Subjects[0].Name != "default-readers" {
		t.Fatalf("the RoleBinding of the template: %v, %v", found, err)
	}
	log := os.Getenv("E2E_AUDIT_LOG")
	if log == "" {
		return
	}
	want := []string{
		"get namespaces", "patch limitranges", "patch namespaces", "patch networkpolicies", "patch resourcequotas", "patch rolebindings", "patch serviceaccounts",
	}
	// testPermissions looks at these. Events are read only for a pod that waits for long.
	ofPods := []string{"pods", "configmaps", "secrets", "events"}
	eventually(t, "the audit log has what the template needs, and nothing else", func(context.Context) error {
		used := map[string]bool{}
		err := readEvents(log, func(event *auditv1.Event) {
			ref := event.ObjectRef
			if event.User.Username == testEnv.clusterWide.user && ref != nil && ref.Namespace == namespace && !slices.Contains(ofPods, ref.Resource) {
				used[permissionOf(event)+map[bool]string{true: ", denied"}[event.Annotations["authorization.k8s.io/decision"] == "forbid"]] = true
			}
		})
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(used))); diff != "" && err == nil {
			err = fmt.Errorf("permissions in namespace %s:\n%s", namespace, diff)
		}
		return err
	})
}
