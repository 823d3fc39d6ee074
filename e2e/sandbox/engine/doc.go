// Package engine finds the Docker engine for the tests' clusters, and starts one if there
// is none: kind needs an engine, and the machines without a registry have no other way to
// run containers.
//
// It knows nothing about images and clusters.
package engine
