// Package policy judges pods before anything is created for them: whether the remote site
// accepts them at all.
//
// It judges a remote pod as it would be created, but without what the plugin adds by itself
// (the container of a mesh). So what the plugin adds needs no exception by name, and a
// user's container is judged whatever its name is. The rules of
// Kubernetes' Pod Security Standards are those of its own library,
// k8s.io/pod-security-admission; this package only finds the fields that a rule is about.
//
// It is pure. It must not know any client, HTTP, or how a pod is translated.
package policy
