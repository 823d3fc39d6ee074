package manifests

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// rbac-tcp-tunnel.yaml grants exactly the permissions that the plugin uses only if
// tunnels are enabled.
func TestTunnelFileGrantsTheRequiredPermissions(t *testing.T) {
	granted := map[permission]bool{}
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "interlink-plugin", Namespace: "interlink-plugin"}
	for _, object := range read(t, "rbac-tcp-tunnel.yaml") {
		switch o := object.(type) {
		case *rbacv1.ClusterRole:
			add(t, granted, "", o.Rules)
		case *rbacv1.Role:
			add(t, granted, o.Namespace, o.Rules)
		case *rbacv1.ClusterRoleBinding:
			checkBinding(t, "ClusterRole interlink-plugin-tcp-tunnel", o.RoleRef, o.Subjects, account)
		case *rbacv1.RoleBinding:
			checkBinding(t, "Role interlink-plugin-tcp-tunnel", o.RoleRef, o.Subjects, account)
		}
	}
	cfg := config.Defaults()
	required := map[permission]bool{}
	cfg.TCPTunnel.Enabled = true
	for _, r := range plugin.RequiredPermissions(cfg, nil) {
		required[permission{r.Namespace, r.Group, r.Resource, r.Verb}] = true
	}
	cfg.TCPTunnel.Enabled = false
	for _, r := range plugin.RequiredPermissions(cfg, nil) { // the other file grants them
		delete(required, permission{r.Namespace, r.Group, r.Resource, r.Verb})
	}
	if diff := gocmp.Diff(required, granted); diff != "" {
		t.Errorf("the rules differ from the permissions that the plugin uses (-used +granted):\n%s", diff)
	}
}
