// Package inspect looks at a remote cluster: which objects exist there for a local
// pod, and which variables and files the containers of its remote pod get from a
// kubelet.
//
// It must not know how a plugin names or labels objects (it finds them by the local
// pod's UID, wherever they contain it), except for the label of tunnels; and it must
// not know how a scenario runs, or what it expects.
package inspect
