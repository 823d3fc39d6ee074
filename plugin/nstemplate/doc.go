// Package nstemplate reads the template of remote namespaces: a file of manifests, such as
// a ResourceQuota and a NetworkPolicy, that the plugin creates in each namespace that it
// creates, before the first pod.
//
// It is pure: it checks the manifests as far as that is possible without a cluster, puts
// the names of namespaces into them, and says which permissions they need. It must not know
// how they are created (plugin/cluster), nor when (plugin/lifecycle).
package nstemplate
