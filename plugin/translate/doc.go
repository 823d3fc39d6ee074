// Package translate makes of a create request all the remote objects that the
// pod needs: its namespace, ConfigMaps, Secrets, claims and the pod itself.
//
// It is pure: no client, no clock, no I/O. The same request and options give
// the same objects in the same order, which is what lets a repeated create find
// what an earlier one left. What cannot be carried over is named in the
// result's warnings, or refuses the pod; it is never dropped in silence.
//
// The file names follow the parts of a pod: pod.go (what of the spec stays
// local), volumes.go, projected.go, claims.go, env.go, network.go (a mesh or a
// tunnel of InterLink's own, by plugin/mesh), tunnels.go (ports exposed by Helm
// releases), and sources.go for the ConfigMaps and Secrets that came with the
// request.
package translate
