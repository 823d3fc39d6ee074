package mesh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunScriptStopsWhenAsked checks that the container ends with 0 when the kubelet
// asks it to terminate, whatever it does at that moment.
func TestRunScriptStopsWhenAsked(t *testing.T) {
	const reportsStart = ": >$TMPDIR/started\n"
	for name, files := range map[string]map[string]string{
		"while it installs packages": {"install.sh": reportsStart + runsForever, "mesh.sh": becomesReady},
		"while the network starts":   {"mesh.sh": "#!/bin/sh\n" + reportsStart + runsForever},
		"when the network is ready":  {"mesh.sh": becomesReady + reportsStart + runsForever},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachShell(t, func(t *testing.T, shell []string) {
				c := newContainer(t, shell, files, longTimeout)
				c.start()
				c.eventually("the script starts", func() bool { return c.has("started") })
				c.Terminate()
				if code, output := c.Wait(); code != 0 || c.has("mesh-failed") {
					t.Errorf("exit code %d, output:\n%s", code, output)
				}
			})
		})
	}
}

// TestRunScriptStaysFailed checks that a mesh that failed once does not start in a
// later run: the plugin has failed the pod by then. The message of the failure stays
// that of the earlier run.
func TestRunScriptStaysFailed(t *testing.T) {
	forEachShell(t, func(t *testing.T, shell []string) {
		c := newContainer(t, shell, map[string]string{"mesh.sh": "#!/bin/sh\nexit 3\n"}, longTimeout)
		c.start()
		if code, output := c.Wait(); code != ExitStartFailed {
			t.Fatalf("exit code %d, output:\n%s", code, output)
		}
		c.write("mesh.sh", becomesReady+runsForever)
		c.start()
		c.eventually("the second run reports the failure", func() bool { return strings.Contains(c.Output(), "failed to start in an earlier run") })
		c.Terminate()
		if code, output := c.Wait(); code != 0 || c.has("mesh-ready") {
			t.Errorf("exit code %d, network ready: %v, output:\n%s", code, c.has("mesh-ready"), output)
		}
	})
}

// TestRunScriptEndsWithThePod checks that an ordinary container ends once the
// annotation is set, and not before.
func TestRunScriptEndsWithThePod(t *testing.T) {
	forEachShell(t, func(t *testing.T, shell []string) {
		annotation := filepath.Join(t.TempDir(), "finished")
		c := newContainer(t, shell, map[string]string{"mesh.sh": becomesReady + runsForever}, longTimeout, "MESH_FINISHED_FILE="+annotation)
		c.start()
		c.eventually("the network is ready", func() bool { return c.has("mesh-was-up") })
		// The kubelet creates the file; it is empty as long as there is no annotation.
		if err := os.WriteFile(annotation, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if !c.Runs() {
			t.Fatal("the container ended before the annotation was set")
		}
		if err := os.WriteFile(annotation, []byte("true"), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, output := c.Wait(); code != 0 {
			t.Errorf("exit code %d, output:\n%s", code, output)
		}
	})
}
