package mesh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	for i, path := range scripts {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "# include ") {
			scripts[i] = filepath.Join(t.TempDir(), filepath.Base(path))
			testkit.WriteScript(t, scripts[i], string(ownScript(filepath.Base(path))))
		}
	}
	if out, err := exec.Command(shellcheck, append([]string{"--shell=sh"}, scripts...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
