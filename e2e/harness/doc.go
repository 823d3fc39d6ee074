// Package harness prepares what the end-to-end tests run on, and takes it away:
// the engine, the node image, the two clusters, the built programs and the
// plugin's image.
//
// The tests (e2e/suite) are told of it by their environment alone, so that they
// run on clusters that were made elsewhere just as well.
package harness
