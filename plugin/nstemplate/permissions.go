package nstemplate

import (
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Permission is one operation on one resource of the remote cluster.
type Permission struct {
	Verb, Group, Resource string
	// Name is the only object that the operation is about; empty for all.
	Name string
	Why  string
}

// RequiredPermissions lists the permissions that the plugin needs in every remote namespace
// to create the objects of the template, each once. The nil Template needs none.
func (t *Template) RequiredPermissions() []Permission {
	if t == nil {
		return nil
	}
	var permissions []Permission
	seen := map[Permission]bool{}
	add := func(p Permission) {
		if !seen[p] {
			seen[p] = true
			permissions = append(permissions, p)
		}
	}
	for i := range t.objects {
		m := &t.objects[i]
		const why = "apply the namespace template"
		// Server-side apply is a patch, which needs create too if the object does not exist.
		add(Permission{Verb: "create", Group: m.kind.group, Resource: m.kind.resource, Why: why})
		add(Permission{Verb: "patch", Group: m.kind.group, Resource: m.kind.resource, Why: why})
		switch m.kind.resource {
		case "roles":
			add(Permission{Verb: "escalate", Group: rbacv1.GroupName, Resource: "roles", Name: fixedName(m.name()),
				Why: "create the Role " + m.name() + " of the namespace template; or give the account all that the Role permits"})
		case "rolebindings":
			resource := strings.ToLower(m.roleRef.Kind) + "s"
			add(Permission{Verb: "bind", Group: rbacv1.GroupName, Resource: resource, Name: fixedName(m.roleRef.Name),
				Why: "bind the " + m.roleRef.Kind + " " + m.roleRef.Name + " of the namespace template; or give the account all that it permits"})
		}
	}
	return permissions
}

// fixedName returns a name, or "" if it depends on the namespace.
func fixedName(name string) string {
	if replace(name, names{"local", "remote"}) != name {
		return ""
	}
	return name
}
