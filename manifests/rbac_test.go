package manifests

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

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
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// rbacFiles are the two sets of permissions. If namespace is empty, the plugin creates
// namespaces; home is the namespace of the service account.
var rbacFiles = []struct{ name, namespace, home string }{
	{"rbac-cluster-wide.yaml", "", "interlink-plugin"},
	{"rbac-single-namespace.yaml", "offloading", "offloading"},
}

// permission is a permission in one namespace, or (with "") in all.
type permission struct{ namespace, group, resource, verb string }

// add adds the permissions that rules grant in a namespace.
func add(t *testing.T, granted map[permission]bool, namespace string, rules []rbacv1.PolicyRule) {
	t.Helper()
	for _, rule := range rules {
		if len(rule.ResourceNames)+len(rule.NonResourceURLs) > 0 {
			t.Errorf("the test does not support this rule: %v", rule)
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					p := permission{namespace, group, resource, verb}
					if granted[p] {
						t.Errorf("%v is granted twice", p)
					}
					granted[p] = true
				}
			}
		}
	}
}

// secretsToList is the optional permission that only rbac-orphan-secrets.yaml grants.
var secretsToList = permission{resource: "secrets", verb: "list"}

// Each file grants exactly the permissions that the plugin uses, to its service account and
// in the right namespaces.
func TestFilesGrantTheRequiredPermissions(t *testing.T) {
	for _, file := range rbacFiles {
		t.Run(file.name, func(t *testing.T) {
			granted := map[permission]bool{}
			roles := map[string]bool{}
			account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "interlink-plugin", Namespace: file.home}
			for _, object := range read(t, file.name) {
				switch o := object.(type) {
				case *rbacv1.ClusterRole:
					add(t, granted, "", o.Rules)
					roles["ClusterRole "+o.Name] = true
				case *rbacv1.Role:
					add(t, granted, o.Namespace, o.Rules)
					roles["Role "+o.Name+" in "+o.Namespace] = true
				case *rbacv1.ClusterRoleBinding:
					checkBinding(t, "ClusterRole "+o.RoleRef.Name, o.RoleRef, o.Subjects, account)
					delete(roles, "ClusterRole "+o.RoleRef.Name)
				case *rbacv1.RoleBinding:
					checkBinding(t, "Role "+o.RoleRef.Name, o.RoleRef, o.Subjects, account)
					delete(roles, "Role "+o.RoleRef.Name+" in "+o.Namespace)
				case *corev1.Secret:
					if o.Type != corev1.SecretTypeServiceAccountToken || o.Annotations[corev1.ServiceAccountNameKey] != account.Name || o.Namespace != file.home {
						t.Errorf("the Secret of the token is %v", o)
					}
				}
			}
			if len(roles) > 0 {
				t.Errorf("these roles are not bound: %v", roles)
			}
			cfg := config.Defaults()
			cfg.Offloading.Namespace = file.namespace
			used := map[permission]bool{}
			for _, p := range plugin.RequiredPermissions(cfg, nil) {
				used[permission{p.Namespace, p.Group, p.Resource, p.Verb}] = true
			}
			delete(used, permission{file.namespace, "", secretsToList.resource, secretsToList.verb})
			if diff := gocmp.Diff(used, granted); diff != "" {
				t.Errorf("the rules differ from the permissions that the plugin uses (-used +granted):\n%s", diff)
			}
		})
	}
}

// grantedBy returns what a file grants to the account of the whole cluster in one ClusterRole.
func grantedBy(t *testing.T, file, role string) map[permission]bool {
	t.Helper()
	granted := map[permission]bool{}
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "interlink-plugin", Namespace: "interlink-plugin"}
	for _, object := range read(t, file) {
		switch o := object.(type) {
		case *rbacv1.ClusterRole:
			add(t, granted, "", o.Rules)
		case *rbacv1.ClusterRoleBinding:
			checkBinding(t, "ClusterRole "+role, o.RoleRef, o.Subjects, account)
		default:
			t.Errorf("an object of type %T", object)
		}
	}
	return granted
}

// rbac-classes.yaml grants what --check needs to look for classes.
func TestClassesFileGrantsToLookForThem(t *testing.T) {
	want := map[permission]bool{}
	for _, kind := range []cluster.ClassKind{cluster.RuntimeClasses, cluster.PriorityClasses, cluster.StorageClasses} {
		p := cluster.ClassPermission(kind)
		want[permission{p.Namespace, p.Group, p.Resource, p.Verb}] = p.Optional
	}
	if diff := gocmp.Diff(want, grantedBy(t, "rbac-classes.yaml", "interlink-plugin-classes")); diff != "" {
		t.Errorf("the rules differ (-want +granted):\n%s", diff)
	}
}

// rbac-orphan-secrets.yaml grants the one permission that the other file leaves out.
func TestOrphanSecretsFileGrantsOnePermission(t *testing.T) {
	if diff := gocmp.Diff(map[permission]bool{secretsToList: true}, grantedBy(t, "rbac-orphan-secrets.yaml", "interlink-plugin-orphan-secrets")); diff != "" {
		t.Errorf("the rules differ (-want +granted):\n%s", diff)
	}
	optional := slices.ContainsFunc(plugin.RequiredPermissions(config.Defaults(), nil), func(p cluster.Permission) bool {
		return p.Optional && permission{p.Namespace, p.Group, p.Resource, p.Verb} == secretsToList
	})
	if !optional {
		t.Error("the plugin does not use this permission")
	}
}

func checkBinding(t *testing.T, role string, ref rbacv1.RoleRef, subjects []rbacv1.Subject, account rbacv1.Subject) {
	t.Helper()
	if ref.APIGroup != rbacv1.GroupName || ref.Kind+" "+ref.Name != role || len(subjects) != 1 || subjects[0] != account {
		t.Errorf("the binding grants %v to %v", ref, subjects)
	}
}

// On a real API server, the service account of each file has the permissions of --check,
// and no others.
func TestServiceAccountPassesTheCheck(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "offloading"}}
	if _, err := server.Client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, file := range rbacFiles {
		t.Run(file.name, func(t *testing.T) {
			apply(t, server, file.name, metav1.CreateOptions{})
			request := &authenticationv1.TokenRequest{}
			token, err := server.Client.CoreV1().ServiceAccounts(file.home).CreateToken(t.Context(), "interlink-plugin", request, metav1.CreateOptions{})
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
			cfg.Offloading.Namespace = file.namespace
			var table bytes.Buffer
			// The API server needs a moment until it applies new RBAC rules.
			testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "--check finds all permissions", func(ctx context.Context) error {
				table.Reset()
				return plugin.Check(ctx, cfg, client, &table)
			})
			if strings.Contains(table.String(), "MISSING") {
				t.Errorf("a permission is missing:\n%s", &table)
			}
			for _, more := range []cluster.Permission{
				{Verb: "list", Resource: "secrets", Namespace: "offloading"},
				{Verb: "deletecollection", Resource: "pods", Namespace: "offloading"},
				{Verb: "delete", Resource: "namespaces"},
				{Verb: "create", Resource: "pods/exec", Namespace: "offloading"},
			} {
				allowed, _, err := cluster.NewReviewer(client).Allowed(t.Context(), more)
				if err != nil || allowed {
					t.Errorf("%s: %v, %v", more, allowed, err)
				}
			}
			if file.namespace != "" {
				elsewhere := cluster.Permission{Verb: "create", Resource: "pods", Namespace: "default"}
				if allowed, _, err := cluster.NewReviewer(client).Allowed(t.Context(), elsewhere); err != nil || allowed {
					t.Errorf("%s in another namespace: %v, %v", elsewhere, allowed, err)
				}
			}
		})
	}
}

// A real API server accepts the other manifests.
func TestAPIServerAcceptsManifests(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "interlink"}}
	if _, err := server.Client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, file := range append(examples(t), "deployment.yaml") {
		t.Run(file, func(t *testing.T) {
			err := tryApply(t, server, file, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if file == "deployment.yaml" && server.Minor(t) < 30 { // the file says that it needs 1.30
				if err == nil || !strings.Contains(err.Error(), "lifecycle.preStop") {
					t.Errorf("an API server without preStop.sleep answers %v", err)
				}
				return
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// apply creates the objects of a manifest. Objects without a namespace are created in the
// default namespace.
func apply(t *testing.T, server *apiserver.Server, file string, options metav1.CreateOptions) {
	t.Helper()
	if err := tryApply(t, server, file, options); err != nil {
		t.Error(err)
	}
}

// tryApply is apply for objects that the API server may refuse.
func tryApply(t *testing.T, server *apiserver.Server, file string, options metav1.CreateOptions) error {
	t.Helper()
	var failures []error
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
		created := &unstructured.Unstructured{Object: content}
		kind := created.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			t.Fatal(err)
		}
		namespace := ""
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			namespace = cmp.Or(created.GetNamespace(), "default")
		}
		if _, err = client.Resource(mapping.Resource).Namespace(namespace).Create(t.Context(), created, options); err != nil {
			failures = append(failures, fmt.Errorf("%s %s: %w", created.GetKind(), created.GetName(), err))
		}
	}
	return errors.Join(failures...)
}

// rbac-capacity.yaml grants what report_resources needs more than the other files grant.
func TestCapacityFileGrantsToReportResources(t *testing.T) {
	granted := grantedBy(t, "rbac-capacity.yaml", "interlink-plugin-capacity")
	for _, report := range []config.ReportResources{config.ReportNodes, config.ReportQuota} {
		for _, namespace := range []string{"", "offloading"} {
			cfg := config.Defaults()
			cfg.Offloading.Namespace, cfg.Offloading.ReportResources = namespace, report
			without := cfg
			without.Offloading.ReportResources = config.ReportNothing
			for _, p := range plugin.RequiredPermissions(cfg, nil)[len(plugin.RequiredPermissions(without, nil)):] {
				if !p.Optional || p.Namespace != "" && p.Namespace != namespace {
					t.Errorf("%s: %v in %q is optional: %v", report, p, p.Namespace, p.Optional)
				}
				if found := (permission{"", p.Group, p.Resource, p.Verb}); !granted[found] {
					t.Errorf("%s: %v is not granted", report, p)
				}
			}
		}
	}
	want := map[permission]bool{}
	for _, resource := range []string{"nodes", "pods", "resourcequotas"} {
		want[permission{"", "", resource, "list"}], want[permission{"", "", resource, "watch"}] = true, true
	}
	if diff := gocmp.Diff(want, granted); diff != "" {
		t.Errorf("the rules differ (-want +granted):\n%s", diff)
	}
}
