package mesh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunScript checks for each program, in each shell, how run.sh ends and what it
// reports.
func TestRunScript(t *testing.T) {
	long := []string{longTimeout}
	for _, test := range []struct {
		name    string
		files   map[string]string
		env     []string
		earlier []string // files in scratch from earlier runs
		code    int
		output  string // part of it
		leaves  string // a file in scratch; with -, one that must not exist
	}{
		{"script fails before the network is ready", map[string]string{"mesh.sh": "#!/bin/sh\necho no tun device\nexit 3\n"}, long, nil,
			97, "no tun device\nmesh-setup: the script ended with exit code 3 before the network was ready\n", "mesh-failed"},
		{"script succeeds but the network is not ready", map[string]string{"mesh.sh": "#!/bin/sh\n"}, long, nil,
			97, "the script ended with exit code 0 before the network was ready\n", "mesh-failed"},
		{"interpreter is missing", map[string]string{"mesh.sh": "#!/nowhere/bash\n"}, long, nil, 97, "before the network was ready\n", "mesh-failed"},
		{"timeout", map[string]string{"mesh.sh": "#!/bin/sh\necho waiting for the peer\n" + runsForever}, []string{"MESH_STARTUP_TIMEOUT=1"}, nil,
			97, "waiting for the peer\nmesh-setup: the network is not ready after 1 s: the script is still running\n", "mesh-failed"},
		{"timeout during the installation of packages", map[string]string{"install.sh": runsForever, "mesh.sh": becomesReady}, []string{"MESH_STARTUP_TIMEOUT=1"}, nil,
			97, "the network is not ready after 1 s: the installation of packages is still running\n", "mesh-failed"},
		{"installation fails", map[string]string{"install.sh": "echo no mirror\nfalse\ntrue\n", "mesh.sh": becomesReady}, long, nil,
			97, "retrying\nno mirror\nmesh-setup: the installation of packages failed with exit code 1\n", "mesh-failed"},
		{"installation succeeds after a retry", map[string]string{"install.sh": "[ -e $TMPDIR/asked ] || { : >$TMPDIR/asked; exit 9; }\n", "mesh.sh": becomesReady + "exit 4\n"}, long, nil,
			4, "exit code 9, retrying\nmesh-setup: the script ended with exit code 4\n", "mesh-ready"},
		{"installation runs before the script", map[string]string{"install.sh": "echo packages\n", "mesh.sh": becomesReady + "echo up\nexit 4\n"}, long, nil,
			4, "packages\nup\nmesh-setup: the script ended with exit code 4\n", "mesh-ready"},
		{"script gets the time that is left", map[string]string{"mesh.sh": becomesReady + "[ $MESH_TIMEOUT -gt 500 ] && [ $MESH_TIMEOUT -le 595 ] && exit 4\n"}, long, nil,
			4, "", "mesh-ready"},
		{"script gets at least one second", map[string]string{"mesh.sh": becomesReady + "exit $MESH_TIMEOUT\n"}, []string{"MESH_STARTUP_TIMEOUT=3"}, nil,
			1, "exit code 1\n", "mesh-ready"},
		{"failure after the network was ready allows another run", map[string]string{"mesh.sh": becomesReady + "exit 97\n"}, long, nil,
			1, "the script ended with exit code 97\n", "-mesh-failed"},
		{"failure after the network was ready in an earlier run allows another run", map[string]string{"mesh.sh": "#!/bin/sh\nexit 5\n"}, long, []string{"mesh-was-up", "mesh-ready"},
			1, "the script ended with exit code 5 before the network was ready\n", "-mesh-failed"},
		{"readiness of an earlier run does not count", map[string]string{"mesh.sh": "#!/bin/sh\n[ ! -e $TMPDIR/mesh-ready ] || echo stale\nexit 5\n"}, long, []string{"mesh-ready"},
			97, "mesh-setup: the script ended with exit code 5 before the network was ready\n", "-mesh-ready"},
		{"script without a first line", map[string]string{"mesh.sh": "exit 6\n"}, long, nil, 97, "exit code 6 before the network", ""},
		{"tunnel ends; it never reports readiness", map[string]string{"mesh.sh": "#!/bin/sh\necho closed\nexit 7\n"}, nil, nil,
			7, "closed\nmesh-setup: the script ended with exit code 7\n", "-mesh-failed"},
		{"installation for a tunnel fails", map[string]string{"install.sh": "exit 8\n", "mesh.sh": becomesReady}, nil, nil,
			1, "the installation of packages failed with exit code 8\n", "-mesh-failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			forEachShell(t, func(t *testing.T, shell []string) {
				c := newContainer(t, shell, test.files, test.env...)
				for _, name := range test.earlier {
					if err := os.WriteFile(filepath.Join(c.scratch, name), nil, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				c.start()
				code, output := c.Wait()
				if code != test.code || !strings.Contains(output, test.output) {
					t.Errorf("exit code %d, output:\n%s\nwant %d:\n%s", code, output, test.code, test.output)
				}
				if name, absent := strings.CutPrefix(test.leaves, "-"); name != "" && c.has(name) == absent {
					t.Errorf("file %s exists: %v, want %v", name, absent, !absent)
				}
			})
		})
	}
}
