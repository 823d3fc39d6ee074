package plugin_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// newUser creates a user of the API server with the given permissions, in one namespace or
// (with "") in all, and no others. It returns a client of that user.
func newUser(t *testing.T, server *apiserver.Server, name, namespace string, permissions []cluster.Permission) *kubernetes.Clientset {
	t.Helper()
	account, err := server.AddUser(name)
	if err != nil {
		t.Fatal(err)
	}
	var rules []rbacv1.PolicyRule
	for _, p := range permissions {
		rule := rbacv1.PolicyRule{APIGroups: []string{p.Group}, Resources: []string{p.Resource}, Verbs: []string{p.Verb}}
		if p.Name != "" {
			rule.ResourceNames = []string{p.Name}
		}
		rules = append(rules, rule)
	}
	if len(rules) > 0 {
		if err := server.Grant(t.Context(), name, namespace, rules...); err != nil {
			t.Fatal(err)
		}
	}
	client, err := kubernetes.NewForConfig(account.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// The plugin works with exactly the permissions that --check lists, in the whole cluster
// and in single-namespace mode.
func TestRequiredPermissionsSuffice(t *testing.T) {
	server := apiserver.ForTest(t)
	for _, single := range []bool{false, true} {
		t.Run(fmt.Sprintf("single namespace %v", single), func(t *testing.T) {
			namespace := ""
			if single {
				namespace = server.Namespace(t)
			}
			permissions := cluster.RequiredPermissions(namespace)
			for _, p := range cluster.OrphanPermissions(namespace, namespace, false) {
				if p.Resource != "leases" {
					permissions = append(permissions, p)
				}
			}
			user, leases := fmt.Sprintf("suffice-%v", single), server.Namespace(t)
			client := newUser(t, server, user, namespace, permissions)
			if err := server.Grant(t.Context(), user, leases, rbacv1.PolicyRule{
				APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"},
			}, rbacv1.PolicyRule{
				APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "create", "patch"},
			}); err != nil {
				t.Fatal(err)
			}
			cfg := config.Defaults()
			cfg.Offloading.Namespace, cfg.App.LeaseNamespace = namespace, leases
			var table bytes.Buffer
			testkit.Eventually(t, "the permissions are in effect", func() bool { // RBAC needs a moment
				table.Reset()
				return plugin.Check(t.Context(), cfg, client, &table) == nil && !strings.Contains(table.String(), "no (optional)")
			})
			if strings.Contains(table.String(), "MISSING") || !strings.Contains(table.String(), "deletecollection") {
				t.Errorf("Check writes\n%s", table.String())
			}
			h := startOn(t, server, func(s *settings) {
				s.client = client
				s.config.Offloading.Namespace, s.config.App.LeaseNamespace = namespace, leases
			})
			h.eventually("the search for orphans has begun", func() bool {
				return strings.Contains(h.log.String(), "this replica searches for orphans")
			})

			r := podOf("permissions", busybox("main", "config", "data"))
			claim := "data-" + string(r.Pod.UID)
			r.Pod.Annotations = map[string]string{
				"interlink.io/remote-pvc":          claim,
				"interlink.io/remote-pvc." + claim: `{"storage":"1Gi","retentionPolicy":"delete"}`,
			}
			r.Pod.Spec.Volumes = []corev1.Volume{configMapVolume("config", "app"), {Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
			r.Containers = []wire.ContainerVolumes{{
				Name:       "main",
				ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "app"}, Data: map[string]string{"k": "v"}}},
				Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "keys"}, Data: map[string][]byte{"k": []byte("v")}}},
			}}
			jid := h.create(r).PodJID
			h.setStatus(r.Pod, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{statusOf("main", running())}})
			h.eventuallyStatus(r.Pod, jid, func(s wire.PodStatus) bool { return s.Containers[0].State.Running != nil })

			failing := podOf("failing", busybox("main", "config"))
			failing.Pod.Spec.Volumes = r.Pod.Spec.Volumes[:1]
			failing.Containers = []wire.ContainerVolumes{{
				Name:       "main",
				ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "app"}, Data: map[string]string{"not a key": "v"}}},
			}}
			h.createFails(failing) // after the pod was created
			h.expectNone(failing.Pod)

			h.delete(r.Pod)
			h.expectNone(r.Pod)
			for _, word := range []string{"forbidden", "cannot ", "may not"} {
				if strings.Contains(h.log.String(), word) {
					t.Errorf("the log contains %q", word)
				}
			}
		})
	}
}

// Check names each missing permission.
func TestCheckNamesTheMissingPermission(t *testing.T) {
	server := apiserver.ForTest(t)
	permissions := cluster.RequiredPermissions("")
	for i, missing := range permissions {
		t.Run(missing.String(), func(t *testing.T) {
			granted := append(append([]cluster.Permission(nil), permissions[:i]...), permissions[i+1:]...)
			client := newUser(t, server, fmt.Sprintf("lacking-%d", i), "", granted)
			cfg := config.Defaults()
			cfg.Offloading.OrphanGrace = 0
			var table bytes.Buffer
			testkit.Eventually(t, "the other permissions are in effect", func() bool { // RBAC needs a moment
				table.Reset()
				err := plugin.Check(t.Context(), cfg, client, &table)
				if missing.Optional {
					return err == nil && strings.Count(table.String(), "no (optional)") == 1
				}
				return errdefs.Is(err, errdefs.Refused) && strings.Contains(err.Error(), "permissions missing in all namespaces: 1")
			})
			word := "MISSING"
			if missing.Optional {
				word = "no (optional)"
			}
			for line := range strings.Lines(table.String()) {
				columns := append(strings.Fields(line), "", "")
				named := columns[0] == missing.Verb && columns[1] == missing.Resource
				if strings.Contains(line, word) != named {
					t.Errorf("Check writes the line %q", line)
				}
			}
		})
	}
}

// Check does not fail without the permissions of the search for orphans, and says so.
func TestCheckNamesOptionalPermissions(t *testing.T) {
	server := apiserver.ForTest(t)
	client := newUser(t, server, "no-search", "", cluster.RequiredPermissions(""))
	var table bytes.Buffer
	testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "the required permissions are in effect", func(ctx context.Context) error {
		table.Reset()
		return plugin.Check(ctx, config.Defaults(), client, &table)
	})
	for _, want := range []string{"list +secrets", "list +namespaces", "update +leases"} {
		if !regexp.MustCompile(want + ` .*no \(optional\)`).MatchString(table.String()) {
			t.Errorf("Check does not say that %q is optional:\n%s", want, &table)
		}
	}
	if got := strings.Count(table.String(), "no (optional)"); got != len(cluster.OrphanPermissions("", "interlink-plugin", false)) {
		t.Errorf("Check calls %d permissions optional:\n%s", got, &table)
	}
}
