//go:build e2e

package suite

import "testing"

// testChain is suite two: InterLink's real programs run between the local cluster and
// the plugin. For a user with kubectl the virtual node behaves as a real node does.
//
// Each test has its own namespace, and fails if something is left in the remote cluster
// after the namespace was deleted.
func testChain(t *testing.T) {
	running := startChain(t, chainNode, nil, "OFFLOADING_DISRUPTED_EXIT_CODE="+disruptedExitCode)
	t.Run("parallel", func(t *testing.T) {
		for _, test := range []struct {
			name string
			run  func(*chainUser)
		}{
			{"deployment", chainDeployment}, // the longest first
			{"container fails repeatedly", chainCrashLoop},
			{"deployment is refused", chainRefusedDeployment},
			{"deployment waits for a quota", chainQuotaDeployment},
			{"job waits for a quota", chainQuotaJob},
			{"job fails", chainJobFails},
			{"job completes", chainJobCompletes},
			{"job ignores disruptions", chainJobIgnoresDisruptions},
			{"pod runs and ends", chainPodRuns},
			{"logs are followed", chainLogsFollowed},
			{"running pod is deleted", chainRunningPodDeleted},
			{"init containers", chainInitContainers},
			{"container fails", chainContainerFails},
			{"init container fails", chainInitFails},
			{"image cannot be pulled", chainImageMissing},
			{"volumes", chainVolumes},
			{"environment", chainEnvironment},
			{"own variables", chainOwnVariables},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(running.newUser(t))
			})
		}
	})
	// This test kills the virtual kubelet, so no other test runs at the same time.
	t.Run("virtual kubelet restarts", func(t *testing.T) { chainRestart(running.newUser(t)) })
}
