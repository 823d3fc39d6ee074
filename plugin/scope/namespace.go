package scope

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// RemoteNamespace returns the remote namespace for a local namespace: the single
// namespace if one is configured, the same name if the local namespace is excluded
// from prefixing, and "<prefix>-<namespace>" otherwise. If that is longer than 62
// characters, or the name of an excluded namespace, it is cut and gets a hash of the local
// name: two local namespaces never have the same remote one, apart from the single namespace.
func (s Scope) RemoteNamespace(local string) string {
	switch {
	case s.Namespace != "":
		return s.Namespace
	case s.Prefix == "" || slices.Contains(s.Exclusions, local):
		return local
	}
	plain := s.Prefix + "-" + local
	if len(plain) < maxName && !slices.Contains(s.Exclusions, plain) {
		return plain
	}
	return cutAndHash(plain, maxName, plain)
}

// NamespaceMeta returns the metadata of the remote namespace for a local namespace.
func (s Scope) NamespaceMeta(local string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:        s.RemoteNamespace(local),
		Labels:      map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: s.Instance},
		Annotations: map[string]string{wire.AnnotationSourceName: local},
	}
}
