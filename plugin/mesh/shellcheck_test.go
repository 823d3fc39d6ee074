package mesh

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestFilesAreCleanShell(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("shellcheck is needed")
		}
		t.Skip("shellcheck is not installed")
	}
	var scripts []string
	for _, pattern := range []string{"files/*.sh", "files/slurm/*.sh", "files/slurm/bin/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		scripts = append(scripts, found...)
	}
	if out, err := exec.Command("shellcheck", append([]string{"--shell=sh"}, scripts...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
