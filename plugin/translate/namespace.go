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
// creates: that of the pods, or a weaker one that permits what the site lets into pods.
func (o Options) NamespaceSecurity() config.PodSecurity {
	level, _ := o.namespaceSecurity()
	return level
}

// WhyNamespaceSecurity returns the option for which the Pod Security Standard of the
// namespaces is weaker than that of the pods; "" if it is not.
func (o Options) WhyNamespaceSecurity() string {
	_, why := o.namespaceSecurity()
	return why
}

func (o Options) namespaceSecurity() (level config.PodSecurity, why string) {
	switch {
	case o.PodSecurity == "", o.PodSecurity == config.PodSecurityPrivileged:
		return o.PodSecurity, ""
	case o.Mesh.Enabled: // its container needs NET_ADMIN and a host path
		return config.PodSecurityPrivileged, "[mesh] enabled"
	case len(o.HostPaths) > 0:
		return config.PodSecurityPrivileged, "[offloading] host_paths"
	case o.PodSecurity == config.PodSecurityRestricted && len(o.NFS) > 0:
		return config.PodSecurityBaseline, "[offloading] nfs"
	}
	return o.PodSecurity, ""
}
