// Package clusters creates and deletes the kind clusters of the end-to-end tests: the
// remote cluster runs the pods of the local cluster.
//
// It knows nothing about the plugin.
package clusters
