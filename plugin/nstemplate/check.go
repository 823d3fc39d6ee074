package nstemplate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
)

// ownDomain is the domain of the plugin's own labels and annotations.
const ownDomain = "interlink.io"

// check returns what is wrong with an object.
func (m *manifest) check(typed runtime.Object) []error {
	problems := m.checkMetadata()
	if m.content["status"] != nil {
		problems = append(problems, errors.New("status is not allowed: the remote cluster writes it"))
	}
	if binding, ok := typed.(*rbacv1.RoleBinding); ok {
		ref := binding.RoleRef
		if ref.APIGroup != rbacv1.GroupName || ref.Kind != "Role" && ref.Kind != "ClusterRole" || ref.Name == "" {
			problems = append(problems, fmt.Errorf("roleRef must have the apiGroup %s, the kind Role or ClusterRole, and a name", rbacv1.GroupName))
		}
	}
	return problems
}

func (m *manifest) checkMetadata() []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	meta := m.metadata()
	for _, field := range slices.Sorted(maps.Keys(meta)) {
		switch field {
		case "name", "creationTimestamp": // kubectl writes an empty creationTimestamp
		case "namespace":
			if namespace := meta[field]; namespace != remoteNamespace && namespace != "" {
				add("metadata.namespace must be %s or absent: the object is created in each remote namespace", remoteNamespace)
			}
		case "labels", "annotations":
			pairs, _ := meta[field].(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(pairs)) {
				if domain, _, _ := strings.Cut(name, "/"); domain == ownDomain || strings.HasSuffix(domain, "."+ownDomain) {
					add("metadata.%s %s is not allowed: only the plugin writes it", field, name)
				}
			}
		default:
			add("metadata.%s is not allowed", field)
		}
	}
	name := replace(m.name(), names{"local", "remote"})
	valid := validation.IsDNS1123Subdomain
	if m.kind.group == rbacv1.GroupName {
		valid = content.IsPathSegmentName
	}
	if name == "" {
		add("metadata.name is missing")
	} else if wrong := valid(name); len(wrong) > 0 {
		add("metadata.name %q is not valid: %s", m.name(), strings.Join(wrong, "; "))
	}
	return problems
}
