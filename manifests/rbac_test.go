package manifests

import (
	"bytes"
	"cmp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// The two forms, and the remote namespace of each; "" means that the plugin makes namespaces.
var forms = []struct{ file, namespace, home string }{
	{"rbac-cluster-wide.yaml", "", "interlink-plugin"},
	{"rbac-single-namespace.yaml", "offloading", "offloading"},
}

// granted spells rules out, as cluster.Permission does.
func granted(t *testing.T, rules []rbacv1.PolicyRule) map[string]bool {
	t.Helper()
	rights := map[string]bool{}
	for _, rule := range rules {
		if len(rule.APIGroups) != 1 || rule.APIGroups[0] != "" || len(rule.ResourceNames)+len(rule.NonResourceURLs) > 0 {
			t.Errorf("a rule is of another sort: %v", rule)
		}
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				right := cluster.Permission{Verb: verb, Resource: resource}.String()
				if rights[right] {
					t.Errorf("%s is granted twice", right)
				}
				rights[right] = true
			}
		}
	}
	return rights
}

// Each form grants what the plugin uses, no less and no more, to its account, where it is used.
func TestRulesAreTheRightsThatThePluginUses(t *testing.T) {
	for _, form := range forms {
		t.Run(form.file, func(t *testing.T) {
			var rules []rbacv1.PolicyRule
			var bound string
			account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "interlink-plugin", Namespace: form.home}
			for _, object := range read(t, form.file) {
				switch o := object.(type) {
				case *rbacv1.ClusterRole:
					rules, bound = append(rules, o.Rules...), bound+"ClusterRole "+o.Name
				case *rbacv1.Role:
					rules, bound = append(rules, o.Rules...), bound+"Role "+o.Name
					if o.Namespace != form.namespace {
						t.Errorf("the role is in namespace %q", o.Namespace)
					}
				case *rbacv1.ClusterRoleBinding:
					checkBinding(t, bound, o.RoleRef, o.Subjects, account)
				case *rbacv1.RoleBinding:
					checkBinding(t, bound, o.RoleRef, o.Subjects, account)
					if o.Namespace != form.namespace {
						t.Errorf("the binding is in namespace %q", o.Namespace)
					}
				case *corev1.Secret:
					if o.Type != corev1.SecretTypeServiceAccountToken || o.Annotations[corev1.ServiceAccountNameKey] != account.Name || o.Namespace != form.home {
						t.Errorf("the token's secret is %v", o)
					}
				}
			}
			used := map[string]bool{}
			for _, right := range cluster.RequiredPermissions(form.namespace) {
				used[right.String()] = true
			}
			if diff := gocmp.Diff(used, granted(t, rules)); diff != "" {
				t.Errorf("the rules differ from what the plugin uses (-used +granted):\n%s", diff)
			}
		})
	}
}

func checkBinding(t *testing.T, role string, ref rbacv1.RoleRef, subjects []rbacv1.Subject, account rbacv1.Subject) {
	t.Helper()
	if ref.APIGroup != rbacv1.GroupName || ref.Kind+" "+ref.Name != role || len(subjects) != 1 || subjects[0] != account {
		t.Errorf("%v is bound to %v", ref, subjects)
	}
}

// On a real API server the account of each form passes the plugin's own check, and may no more.
func TestAccountPassesTheCheck(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "offloading"}}
	if _, err := server.Client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, form := range forms {
		t.Run(form.file, func(t *testing.T) {
			apply(t, server, form.file, metav1.CreateOptions{})
			request := &authenticationv1.TokenRequest{}
			token, err := server.Client.CoreV1().ServiceAccounts(form.home).CreateToken(t.Context(), "interlink-plugin", request, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			anonymous := rest.AnonymousClientConfig(server.Config)
			anonymous.BearerToken = token.Status.Token
			client, err := kubernetes.NewForConfig(anonymous)
			if err != nil {
				t.Fatal(err)
			}
			cfg := config.Defaults()
			cfg.Offloading.Namespace = form.namespace
			var table bytes.Buffer
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) { // RBAC takes a moment
				table.Reset()
				if err = plugin.Check(t.Context(), cfg, client, &table); err == nil || time.Now().After(deadline) {
					break
				}
			}
			if err != nil || strings.Contains(table.String(), "MISSING") {
				t.Errorf("%v\n%s", err, &table)
			}
			for _, more := range []cluster.Permission{
				{Verb: "list", Resource: "secrets", Namespace: "offloading"},
				{Verb: "delete", Resource: "pods", Namespace: "offloading"},
				{Verb: "delete", Resource: "namespaces"},
				{Verb: "create", Resource: "pods/exec", Namespace: "offloading"},
			} {
				permitted, _, err := cluster.NewReviewer(client).Allowed(t.Context(), more)
				if err != nil || permitted {
					t.Errorf("%s: %v, %v", more, permitted, err)
				}
			}
			if form.namespace != "" {
				elsewhere := cluster.Permission{Verb: "create", Resource: "pods", Namespace: "default"}
				if permitted, _, err := cluster.NewReviewer(client).Allowed(t.Context(), elsewhere); err != nil || permitted {
					t.Errorf("%s in another namespace: %v, %v", elsewhere, permitted, err)
				}
			}
		})
	}
}

// A real API server takes every other manifest.
func TestAPIServerAcceptsManifests(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "interlink"}}
	if _, err := server.Client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, file := range append(examples(t), "deployment.yaml") {
		t.Run(file, func(t *testing.T) {
			apply(t, server, file, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		})
	}
}

// apply creates a manifest's objects; those without a namespace go to the default one.
func apply(t *testing.T, server *apiserver.Server, file string, options metav1.CreateOptions) {
	t.Helper()
	options.FieldValidation = metav1.FieldValidationStrict
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := restmapper.GetAPIGroupResources(server.Client.Discovery())
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewDiscoveryRESTMapper(resources)
	for _, object := range read(t, file) {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			t.Fatal(err)
		}
		made := &unstructured.Unstructured{Object: content}
		kind := made.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			t.Fatal(err)
		}
		namespace := ""
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			namespace = cmp.Or(made.GetNamespace(), "default")
		}
		if _, err = client.Resource(mapping.Resource).Namespace(namespace).Create(t.Context(), made, options); err != nil {
			t.Errorf("%s %s: %v", made.GetKind(), made.GetName(), err)
		}
	}
}
