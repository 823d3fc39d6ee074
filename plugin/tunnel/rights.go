package tunnel

// Permission is one thing that is done in the namespace of the bastions.
type Permission struct{ Verb, Group, Resource, Why string }

// RequiredPermissions lists all of them for the chart that ships with the plugin; another chart
// may need others for its objects.
func RequiredPermissions() []Permission {
	const record, objects = "keep Helm's record of a tunnel", "install and uninstall a bastion"
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
