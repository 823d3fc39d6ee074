package nstemplate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
)

// kind is a kind of object that a template may have. All are in a namespace, and none runs
// anything.
type kind struct {
	apiVersion, name, group, resource string
}

var kinds = []kind{
	{"v1", "ConfigMap", "", "configmaps"},
	{"v1", "LimitRange", "", "limitranges"},
	{"v1", "ResourceQuota", "", "resourcequotas"},
	{"v1", "Secret", "", "secrets"},
	{"v1", "ServiceAccount", "", "serviceaccounts"},
	{"networking.k8s.io/v1", "NetworkPolicy", networkingv1.GroupName, "networkpolicies"},
	{"rbac.authorization.k8s.io/v1", "Role", rbacv1.GroupName, "roles"},
	{"rbac.authorization.k8s.io/v1", "RoleBinding", rbacv1.GroupName, "rolebindings"},
}

// findKind returns a kind that a template may have.
func findKind(apiVersion, name string) (found kind, ok bool) {
	at := slices.IndexFunc(kinds, func(k kind) bool { return k.apiVersion == apiVersion && k.name == name })
	if at < 0 {
		return kind{}, false
	}
	return kinds[at], true
}

// allowedKinds lists the kinds for people.
func allowedKinds() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name+" ("+k.apiVersion+")")
	}
	return strings.Join(names, ", ")
}

// strict decodes the kinds, and rejects fields that they do not have.
var strict = newStrict()

func newStrict() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, networkingv1.AddToScheme, rbacv1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // a fault of this file
		}
	}
	return serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, serializer.SerializerOptions{Strict: true})
}
