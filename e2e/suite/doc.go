// Package suite holds the end-to-end tests, behind the build tag e2e. The command
// make e2e creates the clusters that they need and passes environment variables to
// them (e2e/harness lists the variables).
//
// Suite one tests the plugin on a real cluster: all scenarios of fixtures/scenarios,
// and what a scenario cannot express. A simulated virtual kubelet
// (sim/virtualkubelet) sends requests to the plugin's unix socket. The plugin has
// exactly the permissions of manifests/rbac-*.yaml. Suite two (chain_*) runs
// InterLink's real programs in front of the plugin.
//
// Package suite knows the plugin only as a program: not how it works inside.
package suite
