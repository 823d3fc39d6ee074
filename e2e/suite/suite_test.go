//go:build e2e

package suite

import "testing"

// TestEndToEnd is all of both suites, in an order that they need: what strikes a
// whole cluster has it to itself, and what was asked of the remote API server is
// looked at when all has been asked.
func TestEndToEnd(t *testing.T) {
	t.Run("drain", testDrain)
	t.Run("control plane restarts", testControlPlaneRestarts)
	t.Run("side by side", func(t *testing.T) {
		for _, test := range []struct {
			name string
			run  func(*testing.T)
		}{
			{"scenarios", testScenarios},
			{"single namespace", testSingleNamespace},
			{"logs are followed", testLogsAreFollowed},
			{"claim keeps data", testClaimKeepsData},
			{"projected files", testProjectedFiles},
			{"plugin is killed", testPluginIsKilled},
			{"chart", testChart},
			{"mesh", testMesh},
			{"tunnel command", testTunnelCommand},
			{"tunnels", testTunnels},
			{"chain", testChain},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t)
			})
		}
	})
	t.Run("chain networks", testChainNetworks) // after the scenarios, whose times a busy machine misses
	t.Run("rights", testRights)
}
