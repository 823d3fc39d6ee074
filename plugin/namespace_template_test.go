package plugin_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// templateWithRoles needs every kind of permission that a template can need.
const templateWithRoles = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: Secret
metadata: {name: registry}
stringData: {user: c4n4ry}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: of-users}
rules: [{apiGroups: [""], resources: [events], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: users}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: of-users}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "$(LOCAL_NAMESPACE)"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: viewers}]
`

// writeTemplate writes a namespace template to a file and returns its path.
func writeTemplate(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A plugin whose template cannot be read, or is not valid, does not start, and --check says
// the same.
func TestTemplateIsCheckedAtStart(t *testing.T) {
	server := apiserver.ForTest(t)
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	clusterScoped := writeTemplate(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}")
	for path, want := range map[string]string{
		missing:                   "[offloading] namespace_template: open " + missing,
		clusterScoped:             "[offloading] namespace_template " + clusterScoped + `: document 1: a namespace template cannot have the kind "ClusterRole"`,
		writeTemplate(t, "a: b:"): "document 1: ",
	} {
		cfg := config.Defaults()
		cfg.Offloading.NamespaceTemplate = path
		_, err := plugin.New(cfg, server.Client, nil, "test", testkit.NewLog(t).Logger())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New returns %v, want %q", err, want)
		}
		if err := plugin.Check(t.Context(), cfg, server.Client, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check returns %v, want %q", err, want)
		}
	}
}

// With exactly the permissions that --check lists, the plugin applies a template that has
// roles. --check names each of them that is missing.
func TestPermissionsForATemplate(t *testing.T) {
	server := apiserver.ForTest(t)
	cfg := config.Defaults()
	cfg.Offloading.OrphanGrace, cfg.Offloading.NamespaceTemplate = 0, writeTemplate(t, templateWithRoles)
	template, err := plugin.NamespaceTemplate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	permissions := plugin.RequiredPermissions(cfg, template)
	base := plugin.RequiredPermissions(cfg, nil)
	t.Run("all", func(t *testing.T) {
		client := newUser(t, server, "template", "", permissions)
		testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "the permissions are in effect", func(ctx context.Context) error {
			return plugin.Check(ctx, cfg, client, &bytes.Buffer{})
		})
		h := startOn(t, server, func(s *settings) {
			s.client = client
			s.config.Offloading.OrphanGrace, s.config.Offloading.NamespaceTemplate = 0, cfg.Offloading.NamespaceTemplate
		})
		r := podOf("first", busybox("main"))
		h.create(r)
		namespace, err := server.Client.CoreV1().Namespaces().Get(t.Context(), h.namespace(r.Pod.Namespace), metav1.GetOptions{})
		h.must(err)
		if namespace.Annotations[wire.AnnotationNamespaceTemplate] != template.Hash() {
			t.Errorf("the namespace has the annotations %v", namespace.Annotations)
		}
		binding, err := server.Client.RbacV1().RoleBindings(namespace.Name).Get(t.Context(), "users", metav1.GetOptions{})
		h.must(err)
		if binding.Subjects[0].Name != r.Pod.Namespace {
			t.Errorf("the RoleBinding is for %v", binding.Subjects)
		}
		for _, word := range []string{"forbidden", "cannot ", "c4n4ry"} {
			if strings.Contains(h.log.String(), word) {
				t.Errorf("the log contains %q", word)
			}
		}
	})
	for i, missing := range permissions {
		if slices.Contains(base, missing) { // another test is for these
			continue
		}
		t.Run(strings.TrimSpace(missing.String()+" "+missing.Name), func(t *testing.T) {
			t.Parallel()
			client := newUser(t, server, fmt.Sprintf("template-%d", i), "", slices.Delete(slices.Clone(permissions), i, i+1))
			var table bytes.Buffer
			testkit.Eventually(t, "the other permissions are in effect", func() bool {
				table.Reset()
				err := plugin.Check(t.Context(), cfg, client, &table)
				return errdefs.Is(err, errdefs.Refused) && strings.Contains(err.Error(), "permissions missing in all namespaces: 1")
			})
			for line := range strings.Lines(table.String()) {
				named := strings.HasPrefix(line, missing.Verb+" ") && strings.Contains(line, missing.Why)
				if strings.Contains(line, "MISSING") && !named {
					t.Errorf("Check writes the line %q", line)
				}
			}
		})
	}
}

// A permission that the template makes necessary is listed once, and is not optional.
func TestPermissionsAreListedOnce(t *testing.T) {
	cfg := config.Defaults()
	cfg.Offloading.NamespaceTemplate = writeTemplate(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}")
	template, err := plugin.NamespaceTemplate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[cluster.Permission]bool{}
	for _, p := range plugin.RequiredPermissions(cfg, template) {
		if of := p.String(); p.Optional && (of == "patch configmaps" || of == "get namespaces") {
			t.Errorf("%s is optional", of)
		}
		p.Why, p.Optional = "", false
		if seen[p] {
			t.Errorf("%+v is listed twice", p)
		}
		seen[p] = true
	}
}

// --check says what is different in the namespaces that exist from new ones.
func TestCheckDescribesNamespaces(t *testing.T) {
	server := apiserver.ForTest(t)
	prefix := fmt.Sprintf("c%08x", rand.Uint32())
	cfg := config.Defaults()
	cfg.Offloading.NamespacePrefix, cfg.Mesh.Enabled, cfg.Offloading.PodSecurity = prefix, false, config.PodSecurityBaseline
	cfg.Offloading.NamespaceTemplate = writeTemplate(t, templateWithRoles)
	template, err := plugin.NamespaceTemplate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	own := func(level, hash string) metav1.ObjectMeta {
		meta := metav1.ObjectMeta{Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "default"}}
		if level != "" {
			meta.Labels[wire.LabelEnforce] = level
		}
		if hash != "" {
			meta.Annotations = map[string]string{wire.AnnotationNamespaceTemplate: hash}
		}
		return meta
	}
	for name, meta := range map[string]metav1.ObjectMeta{
		prefix + "-ready":   own("baseline", template.Hash()),
		prefix + "-new":     own("baseline", ""),
		prefix + "-changed": own("baseline", "other"),
		"m" + prefix:        own("privileged", template.Hash()),
		prefix + "-earlier": own("", template.Hash()),
		prefix + "-site":    {Labels: map[string]string{wire.LabelEnforce: "baseline"}},
		"s" + prefix:        {},
	} {
		meta.Name = name
		if _, err := server.Client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(cfg config.Config) string {
		var out bytes.Buffer
		if err := plugin.Check(t.Context(), cfg, server.Client, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	out := check(cfg)
	for _, want := range []string{
		"new remote namespaces have pod-security.kubernetes.io/enforce=baseline\n",
		"namespace " + prefix + "-new: the namespace template is not applied yet; the next pod does it\n",
		"namespace " + prefix + "-changed: another namespace template is applied; the next pod changes it\n",
		"namespace m" + prefix + ": the API server enforces privileged (pod-security.kubernetes.io/enforce), not baseline\n",
		"namespace " + prefix + "-earlier: the API server enforces nothing (pod-security.kubernetes.io/enforce), not baseline\n",
		"namespace " + prefix + "-site: the plugin did not create it, and leaves it as it is, without the namespace template\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("Check does not write %q", want)
		}
	}
	for _, no := range []string{"namespace " + prefix + "-ready:", "namespace s" + prefix + ":", "namespace default:"} {
		if strings.Contains(out, no) {
			t.Errorf("Check writes %q", no)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	bare := cfg
	bare.Offloading.NamespacePrefix = ""
	if out := check(bare); !strings.Contains(out, "without a prefix, pods also get into namespaces that the site has created") {
		t.Errorf("without a prefix, Check writes\n%s", out)
	}
	cfg.Mesh.Enabled = true
	if out := check(cfg); !strings.Contains(out, "enforce=privileged") {
		t.Errorf("with a mesh, Check writes\n%s", out)
	}

	single := config.Defaults()
	single.Offloading.Namespace, single.Mesh.Enabled = prefix+"-earlier", false
	if out := check(single); !strings.Contains(out, "namespace "+prefix+"-earlier: the API server enforces nothing") || strings.Contains(out, "new remote") {
		t.Errorf("in single-namespace mode, Check writes\n%s", out)
	}
}

// An account that may not list namespaces learns nothing about them, and the check passes.
func TestCheckWithoutNamespaces(t *testing.T) {
	server := apiserver.ForTest(t)
	cfg := config.Defaults()
	cfg.Offloading.OrphanGrace = 0
	client := newUser(t, server, "no-namespaces", "", plugin.RequiredPermissions(cfg, nil))
	var out bytes.Buffer
	testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "the permissions are in effect", func(ctx context.Context) error {
		out.Reset()
		return plugin.Check(ctx, cfg, client, &out)
	})
	if !strings.Contains(out.String(), "those that exist are not known: list namespaces: ") {
		t.Errorf("Check writes\n%s", &out)
	}
}
