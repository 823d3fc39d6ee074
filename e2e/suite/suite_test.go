//go:build e2e

package suite

import "testing"

// TestEndToEnd runs the tests of both suites in the order that they need. A test that
// disrupts a whole cluster does not run in parallel with others. The permissions are
// checked at the end, because the audit log must have the requests of all tests.
func TestEndToEnd(t *testing.T) {
	t.Run("drain", testDrain)
	t.Run("control plane restarts", testControlPlaneRestarts)
	t.Run("parallel", func(t *testing.T) {
		for _, test := range []struct {
			name string
			run  func(*testing.T)
		}{
			{"scenarios", testScenarios},
			{"single namespace", testSingleNamespace},
			{"logs are followed", testLogsAreFollowed},
			{"claim keeps data", testClaimKeepsData},
			{"projected files", testProjectedFiles},
			{"own variables", testOwnVariables},
			{"plugin is killed", testPluginIsKilled},
			{"plugin is killed during creates", testPluginIsKilledDuringCreates},
			{"Secrets come late", testSecretsComeLate},
			{"quotas", testQuotas},
			{"capacity", testCapacity},
			{"namespace template", testNamespaceTemplate},
			{"chart", testChart},
			{"chart in its own cluster", testChartInCluster},
			{"Debian package", testDebianPackage},
			{"mesh", testMesh},
			{"tunnel command", testTunnelCommand},
			{"TCP tunnels", testTCPTunnels},
			{"chain", testChain},
			{"chain capacity", testChainCapacity},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t)
			})
		}
	})
	t.Run("chain networks", testChainNetworks)
	t.Run("permissions", testPermissions)
}
