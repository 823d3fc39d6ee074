//go:build e2e

package suite

import "testing"

// testChain is suite two: InterLink's real programs stand between the local cluster and the plugin, and a user
// with kubectl finds on the virtual node what a real node gives.
//
// Every test has a namespace of its own, and fails if something stands remotely after it was deleted.
func testChain(t *testing.T) {
	stage := startChain(t, chainNode, nil)
	t.Run("side by side", func(t *testing.T) {
		for _, test := range []struct {
			name string
			run  func(*chainUser)
		}{
			{"deployment", chainDeployment}, // the longest first
			{"container crashes again and again", chainCrashLoop},
			{"job fails", chainJobFails},
			{"job completes", chainJobCompletes},
			{"pod runs and ends", chainPodRuns},
			{"logs are followed", chainLogsFollowed},
			{"running pod is deleted", chainRunningPodDeleted},
			{"init containers", chainInitContainers},
			{"container fails", chainContainerFails},
			{"init container fails", chainInitFails},
			{"image cannot be pulled", chainImageMissing},
			{"volumes", chainVolumes},
			{"environment", chainEnvironment},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(stage.user(t))
			})
		}
	})
	// It kills the virtual kubelet, so it has it to itself.
	t.Run("virtual kubelet restarts", func(t *testing.T) { chainRestart(stage.user(t)) })
}
