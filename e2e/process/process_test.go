package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// startGroup starts a shell that starts another program, so that there is a process
// group to end. It returns the ID of the other program.
func startGroup(t *testing.T, script string) (*Process, int) {
	t.Helper()
	dir := t.TempDir()
	child := filepath.Join(dir, "child")
	p, err := Start(Spec{
		Path: "/bin/sh", Args: []string{"-c", script + `; echo started $WORD; sleep 1000 & echo $! >"$CHILD.new"; mv "$CHILD.new" "$CHILD"; wait; sleep 1000`},
		Env: []string{"WORD=up", "CHILD=" + child}, Log: filepath.Join(dir, "log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	var pid int
	testkit.Eventually(t, "the process ID of the child", func() bool {
		text, err := os.ReadFile(child)
		if err != nil {
			return false
		}
		_, err = fmt.Sscan(string(text), &pid)
		return err == nil
	})
	return p, pid
}

// alive reports whether a process runs. A process that has ended and is not collected
// yet (a zombie) does not run.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

func TestStopEndsTheGroup(t *testing.T) {
	p, child := startGroup(t, "trap 'echo asked; exit 3' TERM")
	if err := p.Ended(); err != nil {
		t.Fatalf("Ended returns an error while the program runs: %v", err)
	}
	p.Stop()
	p.Stop()
	err := p.Ended()
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "started up\nasked") {
		t.Errorf("Ended returns %v", err)
	}
	testkit.Eventually(t, "the child has ended", func() bool { return !alive(child) })
}

func TestKillSendsNoSIGTERM(t *testing.T) {
	p, child := startGroup(t, "trap 'echo asked' TERM")
	p.Kill()
	if err := p.Ended(); err == nil || !strings.Contains(err.Error(), "killed") || strings.Contains(err.Error(), "asked") {
		t.Errorf("Ended returns %v", err)
	}
	testkit.Eventually(t, "the child has ended", func() bool { return !alive(child) })
}

// The end of this process would close the pipe of the guard, as the test does.
func TestGuardKillsTheGroup(t *testing.T) {
	p, child := startGroup(t, "trap 'echo asked' TERM")
	if err := p.guardInput.Close(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the program has ended", func() bool { return p.Ended() != nil })
	testkit.Eventually(t, "the child has ended", func() bool { return !alive(child) })
}

func TestStartFailsForMissingProgram(t *testing.T) {
	if _, err := Start(Spec{Path: "/does/not/exist", Log: filepath.Join(t.TempDir(), "log")}); err == nil {
		t.Error("Start returns no error")
	}
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some.log")
	if got := Tail(path); !strings.Contains(got, "some.log") || !strings.Contains(got, "no such file") {
		t.Errorf("the tail of a file that does not exist is %q", got)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("x", tailSize)+"the end"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Tail(path); !strings.HasSuffix(got, "xthe end") || len(got) > tailSize+100 {
		t.Errorf("the tail has %d bytes: %q", len(got), got)
	}
}
