package mesh

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestTunnelRunsAsLongAsItsCommands checks that the container lasts as long as the
// tunnel, which InterLink's commands start in the background.
func TestTunnelRunsAsLongAsItsCommands(t *testing.T) {
	for name, test := range map[string]struct {
		commands, output string
		code             int
	}{
		"in the background":           {"echo fetched && sh -c 'echo open; exit 3' &", "fetched\nopen\nmesh-setup: the script ended with exit code 3\n", 3},
		"in the foreground":           {"echo fetched && sh -c 'echo open'", "fetched\nopen\nmesh-setup: the script ended with exit code 0\n", 0},
		"commands fail at once":       {"false && echo never &", "mesh-setup: the script ended with exit code 1\n", 1},
		"several lines":               {"echo a\necho b &", "a\nb\nmesh-setup: the script ended with exit code 0\n", 0},
		"last line ends in a comment": {"echo a # b", "a\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachShell(t, func(t *testing.T, shell []string) {
				c, args := newSidecarContainer(t, shell, NewTunnelSidecarOfPod(test.commands, &corev1.Pod{}, "secret", Options{}))
				c.start(args...)
				code, output := c.Wait()
				if code != test.code || !strings.Contains(output, test.output) {
					t.Errorf("exit code %d, output:\n%s\nwant %d:\n%s", code, output, test.code, test.output)
				}
			})
		})
	}
}
