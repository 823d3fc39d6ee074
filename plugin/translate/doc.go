// Package translate turns a create request into all the remote objects that the pod
// needs: its namespace, ConfigMaps, Secrets, claims, Service and the pod itself.
//
// It is pure: it has no client, no clock and no I/O. The same request and options
// always give the same objects in the same order, so that a repeated create finds
// what an earlier create left. It must not know how objects are created or what
// happens on failure (plugin/lifecycle). It drops no part of a pod silently: the
// result's warnings name each dropped part, or the request is refused.
//
// Each file translates one part of a pod: pod_spec.go (which fields stay local),
// env.go, downward_api.go, volumes.go, projected_volumes.go, claims.go,
// configmaps_and_secrets.go, references.go (names of ConfigMaps and Secrets in the pod),
// namespace.go, mesh_sidecar.go (the container of InterLink's mesh or tunnel, from plugin/mesh) and
// tunnels.go (TCP ports that Helm releases expose). The remote pod owns most of the
// other objects, and is created before them: dependents.go says which, and gate.go which
// pods need a scheduling gate because of it.
package translate
