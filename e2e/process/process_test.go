package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sleeper starts a shell that starts another program, so that there is a group to end.
func sleeper(t *testing.T, script string) (*Process, int) {
	t.Helper()
	dir := t.TempDir()
	child := filepath.Join(dir, "child")
	p, err := Start(Spec{
		Path: "/bin/sh", Args: []string{"-c", script + `; echo started $WORD; sleep 1000 & echo $! >"$CHILD.new"; mv "$CHILD.new" "$CHILD"; wait; sleep 1000`},
		Env: []string{"WORD=well", "CHILD=" + child}, Log: filepath.Join(dir, "log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	var pid int
	eventually(t, "the child's id", func() bool {
		text, err := os.ReadFile(child)
		if err != nil {
			return false
		}
		_, err = fmt.Sscan(string(text), &pid)
		return err == nil
	})
	return p, pid
}

func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for range 500 {
		if happened() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: not seen", what)
}

// alive tells a process from one that ended and that nobody has waited for.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

func TestStopEndsTheGroup(t *testing.T) {
	p, child := sleeper(t, "trap 'echo asked; exit 3' TERM")
	if err := p.Ended(); err != nil {
		t.Fatalf("while it runs: %v", err)
	}
	p.Stop()
	p.Stop()
	err := p.Ended()
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "started well\nasked") {
		t.Errorf("it says %v", err)
	}
	eventually(t, "the child's end", func() bool { return !alive(child) })
}

func TestKillAsksNobody(t *testing.T) {
	p, child := sleeper(t, "trap 'echo asked' TERM")
	p.Kill()
	if err := p.Ended(); err == nil || !strings.Contains(err.Error(), "killed") || strings.Contains(err.Error(), "asked") {
		t.Errorf("it says %v", err)
	}
	eventually(t, "the child's end", func() bool { return !alive(child) })
}

// What ends with this process is seen when the guard's pipe closes, as the end of this process would close it.
func TestTheGuardKills(t *testing.T) {
	p, child := sleeper(t, "trap 'echo asked' TERM")
	if err := p.hold.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the program's end", func() bool { return p.Ended() != nil })
	eventually(t, "the child's end", func() bool { return !alive(child) })
}

func TestAProgramThatIsNotThere(t *testing.T) {
	if _, err := Start(Spec{Path: "/does/not/exist", Log: filepath.Join(t.TempDir(), "log")}); err == nil {
		t.Error("no error")
	}
}

func TestTailIsTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some.log")
	if got := Tail(path); !strings.Contains(got, "some.log") || !strings.Contains(got, "no such file") {
		t.Errorf("of a file that is not there: %q", got)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("x", tailSize)+"the end"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Tail(path); !strings.HasSuffix(got, "xthe end") || len(got) > tailSize+100 {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
