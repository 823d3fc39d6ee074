package interruptions

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs is a folder for programs that tests build.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "programs-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// buildCurrent builds the program of this version, once.
var buildCurrent = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programs, "interlink-kubernetes-plugin")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, "../../cmd/interlink-kubernetes-plugin")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return path, nil
})

// currentProgram returns the path of the program of this version.
func currentProgram(t *testing.T) string {
	t.Helper()
	path, err := buildCurrent()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
