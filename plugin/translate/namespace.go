package translate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// namespace returns the remote namespace of the pod, or nil in single-namespace mode. The
// API server enforces there what the plugin checks, also for pods that other people create.
func (t *translation) namespace() *corev1.Namespace {
	if t.options.Scope.Namespace != "" {
		return nil
	}
	namespace := &corev1.Namespace{ObjectMeta: t.options.Scope.NamespaceMeta(t.pod.Namespace)}
	if level := t.options.NamespaceSecurity(); level != "" {
		namespace.Labels[wire.LabelEnforce] = string(level)
	}
	return namespace
}

// NamespaceSecurity returns the Pod Security Standard of the namespaces that the plugin
// creates: that of the pods, or privileged if the plugin adds the container of a mesh to
// them, which needs NET_ADMIN and a host path.
func (o Options) NamespaceSecurity() config.PodSecurity {
	if o.PodSecurity != "" && o.Mesh.Enabled {
		return config.PodSecurityPrivileged
	}
	return o.PodSecurity
}
