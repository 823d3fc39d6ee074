// Package harness prepares what the end-to-end tests need, and deletes it afterwards:
// the container engine, the node image, the two clusters, the built programs and the
// plugin's image.
//
// It passes environment variables to the tests (e2e/suite) and nothing else, so the tests
// can also run on other clusters.
package harness
