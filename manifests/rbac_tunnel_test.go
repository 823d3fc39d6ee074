package manifests

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// rbac-tcp-tunnel.yaml grants exactly the permissions that the plugin uses only if
// tunnels are enabled.
func TestTunnelFileGrantsTheRequiredPermissions(t *testing.T) {
	type permission struct{ namespace, group, resource, verb string }
	granted := map[permission]bool{}
	add := func(namespace string, rules []rbacv1.PolicyRule) {
		for _, rule := range rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						granted[permission{namespace, group, resource, verb}] = true
					}
				}
			}
		}
	}
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "interlink-plugin", Namespace: "interlink-plugin"}
	for _, object := range read(t, "rbac-tcp-tunnel.yaml") {
		switch o := object.(type) {
		case *rbacv1.ClusterRole:
			add("", o.Rules)
		case *rbacv1.Role:
			add(o.Namespace, o.Rules)
		case *rbacv1.ClusterRoleBinding:
			checkBinding(t, "ClusterRole interlink-plugin-tcp-tunnel", o.RoleRef, o.Subjects, account)
		case *rbacv1.RoleBinding:
			checkBinding(t, "Role interlink-plugin-tcp-tunnel", o.RoleRef, o.Subjects, account)
		}
	}
	cfg := config.Defaults()
	cfg.TCPTunnel.Enabled = true
	required := map[permission]bool{}
	for _, r := range plugin.RequiredPermissions(cfg)[len(cluster.RequiredPermissions("")):] {
		required[permission{r.Namespace, r.Group, r.Resource, r.Verb}] = true
	}
	if diff := gocmp.Diff(required, granted); diff != "" {
		t.Errorf("the rules differ from the permissions that the plugin uses (-used +granted):\n%s", diff)
	}
}
