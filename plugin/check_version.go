package plugin

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// unknownBefore has what the plugin uses and API servers before a minor release do not know, the newest first
// (https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/).
var unknownBefore = []struct{ release, notice string }{
	{"1.35", "volumes from images need Kubernetes 1.35, or 1.33 with the feature gate ImageVolume: pods with such volumes are refused otherwise"},
	{"1.35", "variables from files (fileKeyRef) need Kubernetes 1.35, or 1.34 with the feature gate EnvFiles: the API server refuses pods with them otherwise"},
	{"1.29", "native sidecars need Kubernetes 1.29: pods with them, and pods with a mesh or a tunnel, are refused"},
	{"1.27", "scheduling gates need Kubernetes 1.27: a pod can start before its optional ConfigMaps and Secrets, those of variables and its Service exist"},
}

// versionNotices says what the remote API server with a version such as "v1.28.3+k3s1" does not know, and what the
// plugin then does.
func versionNotices(server string) []string {
	text, _, _ := strings.Cut(strings.TrimSpace(server), "-") // a pre-release has what its release has
	found, err := version.ParseGeneric(text)
	if err != nil {
		return []string{"version: " + server + " is not the version of an API server: what it knows is not clear"}
	}
	var notices []string
	for _, unknown := range unknownBefore {
		if found.LessThan(version.MustParseGeneric(unknown.release)) {
			notices = append(notices, "version: "+unknown.notice)
		}
	}
	return notices
}
