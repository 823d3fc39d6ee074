package mesh

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

func TestFilesPassShellcheck(t *testing.T) {
	shellcheck := testkit.Program(t, "shellcheck")
	var scripts []string
	for _, pattern := range []string{"files/*.sh", "files/slurm/*.sh", "files/slurm/bin/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no files match %s: %v", pattern, err)
		}
		scripts = append(scripts, found...)
	}
	if out, err := exec.Command(shellcheck, append([]string{"--shell=sh"}, scripts...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
