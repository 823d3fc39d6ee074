package plugin

import (
	"fmt"
	"os"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
)

// NamespaceTemplate reads the template of remote namespaces; it is nil if none is
// configured.
func NamespaceTemplate(cfg config.Config) (*nstemplate.Template, error) {
	path := cfg.Offloading.NamespaceTemplate
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("[offloading] namespace_template: %w", err)
	}
	template, err := nstemplate.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("[offloading] namespace_template %s: %w", path, err)
	}
	return template, nil
}

// withTemplate adds the permissions for a template to others. A permission that the plugin
// can do without is then required, if the template needs it.
func withTemplate(permissions []cluster.Permission, template *nstemplate.Template) []cluster.Permission {
	if template == nil {
		return permissions
	}
	needed := []cluster.Permission{
		{Verb: "get", Resource: "namespaces", Why: "find out whether the namespace template is applied"},
		{Verb: "patch", Resource: "namespaces", Why: "write that the namespace template is applied"},
	}
	for _, p := range template.RequiredPermissions() {
		needed = append(needed, cluster.Permission{Verb: p.Verb, Group: p.Group, Resource: p.Resource, Name: p.Name, Why: p.Why})
	}
	for _, n := range needed {
		found := false
		for i := range permissions {
			if p := &permissions[i]; p.Verb == n.Verb && p.Group == n.Group && p.Resource == n.Resource && p.Namespace == n.Namespace && p.Name == n.Name {
				p.Optional, found = false, true
			}
		}
		if !found {
			permissions = append(permissions, n)
		}
	}
	return permissions
}
