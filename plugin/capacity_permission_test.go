package plugin_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// Without the permissions, the ping says what it said before, the log says why once, and the plugin is not refused. When
// they are granted, the ping follows.
func TestPingWithoutPermissionForNodes(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	addNode(t, server.Client, "capacity-late", "late", "cpu=3 memory=1Gi pods=7")
	connected := newConnectedUser(t, server, "no-nodes", namespace)
	h := startOn(t, server, reportNodes("late", func(cfg *config.Config) {
		cfg.Offloading.Namespace = namespace
	}), func(s *settings) { s.client = connected })
	words := func(kind string) int {
		return strings.Count(h.log.String(), "the remote cluster's "+kind+" cannot be watched")
	}
	h.eventually("the log says what is missing", func() bool { return words("nodes") == 1 && words("pods") == 1 })
	if got := h.said(); got != "[]" {
		t.Errorf("the ping says %s", got)
	}
	if _, ok := h.plugin.Capacity(); ok {
		t.Error("there is a report")
	}
	if strings.Contains(h.log.String(), "refuses the plugin") {
		t.Error("the plugin takes the answer 403 for a refusal of all")
	}
	h.must(server.Grant(t.Context(), "no-nodes", "", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"nodes", "pods"}, Verbs: []string{"list", "watch"}}))
	testkit.EventuallyNoError(t.Context(), t, 3*testkit.Timeout, "the nodes are reported", func(context.Context) error { // the informer waits between its tries
		if got := h.said(); got != "cpu=3 memory=1Gi pods=7" {
			return fmt.Errorf("the ping says %s", got)
		}
		return nil
	})
	if words("nodes") != 1 || words("pods") != 1 {
		t.Error("the log says more than once what is missing")
	}
}

// newConnectedUser creates a user with all that is required in a namespace, and returns a client of it as the plugin
// connects, which knows what the API server thinks of its credentials.
func newConnectedUser(t *testing.T, server *apiserver.Server, name, namespace string) *cluster.Client {
	t.Helper()
	account, err := server.AddUser(name)
	if err != nil {
		t.Fatal(err)
	}
	var rules []rbacv1.PolicyRule
	for _, p := range cluster.RequiredPermissions(namespace) {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{p.Group}, Resources: []string{p.Resource}, Verbs: []string{p.Verb}})
	}
	if err := server.Grant(t.Context(), name, namespace, rules...); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := account.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Defaults()
	cfg.K8s.Kubeconfig = config.Secret(kubeconfig)
	client, err := plugin.Connect(cfg, "test")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// --check says what the report needs, and does not fail without it.
func TestCheckNamesThePermissionsOfTheReport(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	client := newUser(t, server, "no-report", namespace, cluster.RequiredPermissions(namespace))
	for report, want := range map[config.ReportResources][]string{
		config.ReportNodes: {"list +nodes", "watch +nodes", `list +pods +report what other pods leave of it \(in all namespaces\)`, "watch +pods +report"},
		config.ReportQuota: {"list +resourcequotas"},
	} {
		cfg := config.Defaults()
		cfg.Offloading.Namespace, cfg.Offloading.OrphanGrace, cfg.Offloading.ReportResources = namespace, 0, report
		var table bytes.Buffer
		testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "the required permissions are in effect", func(ctx context.Context) error {
			table.Reset()
			return plugin.Check(ctx, cfg, client, &table)
		})
		for _, line := range want {
			if !regexp.MustCompile(line + `.*no \(optional\)`).MatchString(table.String()) {
				t.Errorf("%s: Check does not say that %q is optional:\n%s", report, line, &table)
			}
		}
		if got := strings.Count(table.String(), "no (optional)"); got != len(want) {
			t.Errorf("%s: Check calls %d permissions optional:\n%s", report, got, &table)
		}
	}
}
