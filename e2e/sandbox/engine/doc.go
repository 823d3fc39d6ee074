// Package engine finds the Docker engine that the tests' clusters run in, and
// starts one where there is none: kind needs it, and machines without a registry
// have no other way to run containers.
//
// It knows nothing of images and clusters.
package engine
