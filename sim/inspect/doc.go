// Package inspect is what stands in the remote cluster for local pods, and what
// the containers of their remote pods would find there: variables and files, as a
// kubelet makes them.
//
// It must know nothing of any plugin (objects are found by the local pod's UID,
// wherever they carry it) but the label of its tunnels, and nothing of how a scenario
// is played.
package inspect
