// Package suite holds the end-to-end tests, behind the build tag e2e; make e2e
// prepares what they run on and tells them by environment variables
// (e2e/harness names them).
//
// Suite one is the plugin on a real cluster: the scenarios of fixtures/scenarios
// and what no scenario can say, through sim/virtualkubelet and the plugin's unix
// socket, under exactly the rights of manifests/rbac-*.yaml. Suite two (chain_*)
// puts InterLink's real programs before the plugin.
//
// It knows the plugin as a program alone.
package suite
