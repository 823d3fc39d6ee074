// Package clusters makes the kind clusters that the end-to-end tests run on, and
// takes them away: remote, where pods are to run, and local, whose pods they are.
//
// It knows nothing of the plugin.
package clusters
