package tunnel

// Permission is one operation on one resource in the namespace of the bastions.
type Permission struct{ Verb, Group, Resource, Why string }

// RequiredPermissions lists the permissions for the chart that is part of the plugin.
// Another chart may need other permissions for its objects.
func RequiredPermissions() []Permission {
	const record, objects = "store Helm's record of a tunnel", "install and uninstall a bastion"
	return []Permission{
		{"list", "", "secrets", record},
		{"get", "", "secrets", record},
		{"create", "", "secrets", record},
		{"update", "", "secrets", record},
		{"delete", "", "secrets", record},
		{"get", "", "configmaps", objects},
		{"create", "", "configmaps", objects},
		{"delete", "", "configmaps", objects},
		{"get", "apps", "deployments", objects},
		{"create", "apps", "deployments", objects},
		{"delete", "apps", "deployments", objects},
	}
}
