// Package scenario reads scenario files: ordinary local manifests, and one Scenario
// document that says what the simulated nodes do with the pods and which result is
// expected. The format is described in fixtures/scenarios/README.md.
//
// It only holds and checks data: sim/node plays the nodes, sim/virtualkubelet the
// local cluster, and sim/judge compares the result. It must know neither these
// packages nor the plugin.
package scenario
