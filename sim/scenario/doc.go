// Package scenario is what a file of fixtures/scenarios says: ordinary local
// manifests, and one Scenario document with what the simulated nodes do with the
// pods and what must come of it.
//
// It is data and its strict reading, no behaviour: sim/node plays the nodes,
// sim/virtualkubelet the local cluster, sim/play compares. It must know none
// of them, and nothing of the plugin.
package scenario
